"""Rule files as PrometheusRule objects: the same groups, under a name and labels that Kubernetes takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bongsu.cli.catalogue import compile_all, load_catalogue
from bongsu.core.kubernetes import Kubernetes, object_name, prometheus_rule, read_kubernetes
from bongsu.core.yaml import Reader, load_documents

ROOT = Path(__file__).parents[3]
COMPILED = compile_all(load_catalogue(ROOT))


def test_each_rule_file_is_an_object_with_exactly_its_groups() -> None:
    rules = {name: text for name, text in COMPILED.items() if name.startswith("prometheus/")}
    objects = {name for name, text in COMPILED.items() if "kind: PrometheusRule" in text}
    assert len(rules) == len(objects)
    for name, text in rules.items():
        found = yaml.safe_load(COMPILED[f"kubernetes/{object_name(name.removeprefix('prometheus/'))}.yaml"])
        assert found["spec"] == yaml.safe_load(text), name
        assert (found["apiVersion"], found["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
        assert found["metadata"]["labels"] == {"release": "kube-prometheus-stack"}
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", found["metadata"]["name"])


def test_names_of_alerts_become_names_of_objects() -> None:
    assert object_name("alerts-CpuHigh.rules.yml") == "alerts-cpu-high"
    assert object_name("slo-shop-runs.rules.yml") == "slo-shop-runs"


def test_a_block_of_several_lines_stays_what_it_was() -> None:
    text = (
        "# header\ngroups:\n  - name: a\n    rules:\n      - record: r\n        expr: |-\n          a\n\n          b\n"
    )
    found = yaml.safe_load(prometheus_rule("a.rules.yml", text, Kubernetes("x", {})))
    assert found["spec"]["groups"][0]["rules"][0]["expr"] == "a\n\nb"
    assert "labels" not in found["metadata"]


def test_a_project_that_asks_for_no_objects_gets_none_and_so_do_proofs() -> None:
    assert not [name for name in compile_all(load_catalogue(ROOT), factor=60.0) if name.startswith("kubernetes/")]
    assert not [n for n in compile_all(load_catalogue(ROOT / "tests/golden/world")) if n.startswith("kubernetes/")]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("namespace: Monitoring", "'Monitoring' is no namespace"),
        ("labels: {}", "namespace is missing"),
        ("namespace: m\nlabels: {a b: c}", "a b: c is no Kubernetes label"),
        ("namespace: m\nlabels: {a: b c}", "a: b c is no Kubernetes label"),
        ("namespace: m\nlabel: {a: b}", "unknown key label"),
    ],
)
def test_what_kubernetes_would_refuse_is_refused(text: str, what: str) -> None:
    nodes, problems = load_documents(text, "bongsu.yaml")
    read_kubernetes(Reader(nodes[0], problems))
    assert [what in problem.what for problem in problems] == [True]
