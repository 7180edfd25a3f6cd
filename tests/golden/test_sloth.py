"""Sloth's own rules, out of our compiler: no difference to what was typed by hand; the judge sees each defect."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bongsu.slo.sloth.compat import Flags
from bongsu.slo.sloth.files import compile_files, documents_of
from tests.support.rule_equality import differences, groups_of

HERE = Path(__file__).parent / "sloth"
CASES = sorted(path.name.removesuffix(".rules.yml") for path in HERE.glob("*.rules.yml"))
FLAGS = {
    "08-28-days": Flags(period="28d"),
    "09-own-windows": Flags(period="14d"),
    "10-extra-labels": Flags(labels={"region": "kr", "env": "prod"}),
    "10-no-alerts": Flags(alerts=False),
    "10-no-recordings": Flags(recordings=False),
}
RULES = {"01-ratio": 17, "04-no-alerts": 15, "05-documents": 34, "07-openslo": 30, "10-no-recordings": 2}


def text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def compiled(case: str) -> str:
    file = f"slo/{case}.yaml"
    documents, catalogues = documents_of({file: text(f"{case}.yaml")})
    files = compile_files(documents, catalogues, FLAGS.get(case, Flags()))
    assert len(files) == 1
    return next(iter(files.values()))


@pytest.mark.parametrize("case", CASES)
def test_the_rules_are_sloths(case: str) -> None:
    assert differences(text(f"{case}.rules.yml"), compiled(case)) == []


@pytest.mark.parametrize(("case", "count"), RULES.items())
def test_an_slo_has_17_rules_in_three_groups_and_15_in_two_without_alerts(case: str, count: int) -> None:
    groups = groups_of(compiled(case))
    assert sum(len(group["rules"]) for group in groups) == count
    assert [group["name"].rsplit("-", 2)[0] for group in groups[:3]] == {
        "01-ratio": [
            "sloth-slo-sli-recordings-checkout",
            "sloth-slo-meta-recordings-checkout",
            "sloth-slo-alerts-checkout",
        ],
        "04-no-alerts": ["sloth-slo-sli-recordings-mailer", "sloth-slo-meta-recordings-mailer"],
    }.get(case, [group["name"].rsplit("-", 2)[0] for group in groups[:3]])


def test_numbers_are_printed_as_go_prints_them() -> None:
    made = compiled("08-28-days")
    for number in ("0.0009999999999999432", "vector(0.9990000000000001)", "5.6000000000000005", "0.9333333333333333"):
        assert number in made


def test_several_documents_become_one_document_because_prometheus_reads_the_first_only() -> None:
    assert len(list(yaml.safe_load_all(compiled("05-documents")))) == 1


def test_a_kubernetes_object_becomes_a_prometheus_rule_of_its_name() -> None:
    made = yaml.safe_load(compiled("06-kubernetes"))
    assert (made["apiVersion"], made["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert made["metadata"] == {
        "name": "checkout-slos",
        "namespace": "shop",
        "labels": {
            "role": "alert-rules",
            "app.kubernetes.io/component": "SLO",
            "app.kubernetes.io/managed-by": "sloth",
        },
    }


PLANTED = {
    "a factor": (r"14\.4 \* ", "14.5 * "),
    "a factor by one part in a million": (r"14\.4 \* ", "14.4000144 * "),
    "a budget": ("0.0004999999999999716", "0.0005000001"),
    "an alert's window": ("ratio_rate1h{", "ratio_rate2h{"),
    "a rate's window": (r"\[30m\]", "[31m]"),
    "a record": ("record: slo:sli_error:ratio_rate6h", "record: slo:sli_error:ratio_rate6"),
    "a label": ("squad: payments", "squad: payment"),
    "an annotation": ("burn rate is too fast", "burn rate is fast"),
    "a selector": ("outcome=~", "outcome="),
    "a comparison": (r"\} > \(", "} >= ("),
    "an operator": (r"\n +and\n", "\n              or\n"),
    "a matching": (r"group_left", "group_right"),
    "a group": ("sloth-slo-meta-recordings", "sloth-slo-metadata"),
    "a severity": ("sloth_severity: page", "sloth_severity: ticket"),
    "a rule too few": (r"(?s)      - record: sloth_slo_info.*?(?=  - name)", ""),
}


@pytest.mark.parametrize("defect", PLANTED)
def test_the_judge_sees(defect: str) -> None:
    wanted = text("01-ratio.rules.yml")
    pattern, other = PLANTED[defect]
    spoiled, count = re.subn(pattern, other, compiled("01-ratio"), count=1)
    assert count == 1
    assert len(differences(wanted, spoiled)) >= 1


def test_the_judge_looks_through_spaces_parentheses_and_the_order_of_matchers() -> None:
    wanted = 'groups: [{name: g, rules: [{record: r, expr: \'(sum by (a, b) (x{c="1",d="2"}) > 0.3)\'}]}]'
    found = 'groups: [{name: g, rules: [{record: r, expr: \'sum by (b,a) (x{d="2", c="1"})>(0.30000000000000004)\'}]}]'
    assert differences(wanted, found) == []
