"""The author's labels on the rules of an SLO: what is taken, what cannot be, and what would break the rules."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bongsu.core.diagnostics import Problem, Severity
from bongsu.slo.compile import compile_slo
from bongsu.slo.load import load
from bongsu.slo.model import Slos
from bongsu.slo.rules import Group, Links, Recording

LINKS = Links("https://git.example.com/x", "https://grafana.example.com")
SOURCE = {"metricSource": {"type": "Prometheus", "spec": {"query": 'sum(rate(x_total{job="a"}[{{.window}}]))'}}}
SLOTH = """
version: prometheus/v1
service: shop
labels: {team: a, sloth_id: other, events: none, reason: why, severity: low}
slos:
  - name: orders
    objective: 99
    sli:
      events:
        error_query: sum(rate(x_total{job="a", code="5"}[{{.window}}]))
        total_query: sum(rate(x_total{job="a"}[{{.window}}]))
    alerting:
      name: OrdersRefused
      labels: {sloth_slo: other, room: b}
"""


def read(labels: dict[str, Any]) -> tuple[Slos, list[Problem]]:
    metadata = {
        "name": "orders",
        "labels": labels,
        "annotations": {"bongsu/alert": "OrdersBurn", "bongsu/title-ko": "주문"},
    }
    spec = {
        "service": "shop",
        "indicator": {"spec": {"ratioMetric": {"counter": True, "good": SOURCE, "total": SOURCE}}},
        "timeWindow": [{"duration": "30d", "isRolling": True}],
        "budgetingMethod": "Occurrences",
        "objectives": [{"target": 0.99}],
    }
    return load(
        {"slo/x.yaml": json.dumps({"apiVersion": "openslo/v1", "kind": "SLO", "metadata": metadata, "spec": spec})}
    )


def group(slos: Slos, factor: float = 1.0) -> Group:
    ((slo, windows),) = slos.watched()
    return compile_slo(slo, windows, LINKS, factor)


@pytest.mark.parametrize("factor", [1.0, 60.0])
def test_labels_of_an_slo_stand_on_every_series_and_alert(factor: float) -> None:
    slos, problems = read({"team": "payments", "stage": ["prod"]})
    assert problems == []
    rules = group(slos, factor).rules
    assert len(rules) == 17
    assert {(rule.labels["team"], rule.labels["stage"]) for rule in rules} == {("payments", "prod")}
    assert {rule.labels["sloth_id"] for rule in rules if isinstance(rule, Recording)} == {"shop-orders"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("app.kubernetes.io", "x", "Prometheus has no such name"),
        ("my-team", "x", "Prometheus has no such name"),
        ("9lives", "x", "Prometheus has no such name"),
        ("severity", "low", "the rules set one of their own"),
        ("sloth_id", "x", "the rules set one of their own"),
        ("events", "x", "the rules set one of their own"),
        ("alertname", "x", "the rules set one of their own"),
        ("team", ["a", "b"], "it has 2 values, and a series has one"),
        ("team", [], "it has 0 values, and a series has one"),
        ("team", "", "to Prometheus an empty label is none"),
        ("team", "{{ $value }}", "alerts would fill its template, series would not"),
    ],
)
def test_a_label_that_rules_cannot_carry_is_named_and_left_out(name: str, value: Any, said: str) -> None:
    slos, problems = read({name: value, "owner": "x"})
    (problem,) = problems
    assert (problem.code, problem.severity) == ("spec/no-effect", Severity.WARNING)
    assert problem.what == f"the label {name} is not taken: {said}"
    assert slos.slos[0].labels == {"owner": "x"}


@pytest.mark.parametrize(("name", "value", "code"), [("team", 1, "spec/type"), ("-team", "x", "spec/value")])
def test_a_label_of_the_wrong_form_is_one_problem_and_no_second(name: str, value: Any, code: str) -> None:
    slos, problems = read({name: value})
    assert [problem.code for problem in problems] == [code]
    assert slos.slos[0].labels == {}


def test_labels_of_sloths_files_that_would_break_the_rules_are_left_out() -> None:
    slos, problems = load({"slo/x.yaml": SLOTH})
    assert problems == []
    for rule in group(slos).rules:
        assert rule.labels["team"] == "a"
        assert rule.labels.get("sloth_id", "shop-orders") == "shop-orders"
        assert rule.labels.get("sloth_slo", "orders") == "orders"
        assert rule.labels.get("events") in (None, "bad", "total")
        assert "reason" not in rule.labels
    assert {alert.labels.get("room") for alert in group(slos).alerts()} == {"b"}
