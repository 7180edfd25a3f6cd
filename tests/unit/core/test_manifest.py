from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.core.errors import SpecError, UsageError
from bongsu.core.manifest import load_manifest, parse_manifest

ROOT = Path(__file__).parents[3]
SMALL = """\
apiVersion: bongsu/v1
service: demo
processes:
  - {name: api, command: [demo, "{port}"], port: 9000, ready: /ready}
actions:
  - name: move
    command: [demo, move, "{to}"]
    arguments: {to: {type: choice, values: [left, right]}}
traffic: {command: [demo, traffic]}
probe: {command: [demo, probe], deadline: 30s}
"""


def test_the_manifest_of_this_repository_is_valid() -> None:
    manifest = load_manifest(ROOT / "bongsu.yaml")
    assert manifest.service == "research-assistant"
    assert "provider-switch" in manifest.actions


def test_an_action_fills_its_typed_arguments_into_argv() -> None:
    manifest, problems = parse_manifest(SMALL)
    assert (problems, manifest is not None) == ([], True)
    assert manifest is not None
    assert manifest.actions["move"].argv({"to": "left"}) == ("demo", "move", "left")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"to": "left; rm -rf /"}, "is not one of left, right"),
        ({}, "to is missing"),
        ({"to": "left", "how": "fast"}, "how is not an argument of this action"),
    ],
)
def test_an_action_refuses_a_wrong_argument(arguments: dict[str, str], message: str) -> None:
    manifest, _ = parse_manifest(SMALL)
    assert manifest is not None
    with pytest.raises(UsageError, match=message):
        manifest.actions["move"].argv(arguments)


def test_all_problems_of_a_manifest_are_reported_at_once() -> None:
    text = SMALL.replace("apiVersion: bongsu/v1", "apiVersion: bongsu/v2").replace("port: 9000", "prot: 9000")
    problems = parse_manifest(text)[1]
    assert {(p.code, p.span.line) for p in problems} >= {
        ("spec/value", 1),
        ("spec/unknown-key", 4),
        ("spec/missing-key", 4),
    }


def test_two_processes_on_one_port_are_refused() -> None:
    text = SMALL.replace("actions:", "  - {name: worker, command: [w], port: 8999, replicas: 2, ready: /r}\nactions:")
    assert "manifest/port" in {p.code for p in parse_manifest(text)[1]}


def test_a_placeholder_nobody_declared_is_refused() -> None:
    assert "manifest/argument" in {p.code for p in parse_manifest(SMALL.replace('"{to}"', '"{too}"'))[1]}


def test_a_missing_manifest_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no bongsu"):
        load_manifest(tmp_path / "bongsu.yaml")
    (tmp_path / "bongsu.yaml").write_text("service: 5\n")
    with pytest.raises(SpecError):
        load_manifest(tmp_path / "bongsu.yaml")


def test_metrics_of_others_are_names_as_queries_spell_them_or_prefixes() -> None:
    manifest, problems = parse_manifest(SMALL + "metrics: [http_requests_total, myapp_*]\n")
    assert manifest is not None
    assert problems == []
    names = ("http_requests_total", "http_requests_total_x", "myapp_", "myapp_jobs", "amyapp_")
    assert [any(one.covers(name) for one in manifest.metrics) for name in names] == [True, False, True, True, False]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('["*"]', "spec/value"),
        ("[a*b]", "spec/value"),
        ("[a-b]", "spec/value"),
        ("[7]", "spec/value"),
        ("[{a: b}]", "spec/value"),
        ("[a, a]", "manifest/duplicate"),
        ("a", "spec/type"),
    ],
)
def test_a_metric_that_would_switch_the_check_off_or_mean_nothing_is_refused(text: str, code: str) -> None:
    _, problems = parse_manifest(f"{SMALL}metrics: {text}\n")
    assert [(problem.code, problem.span.line) for problem in problems] == [(code, 11)]
