"""The limits at which new work is refused, out of the SLO that promises how quick answers are."""

from __future__ import annotations

import json

import pytest

from bongsu.slo.admission import compile_admission
from bongsu.slo.load import load

GOOD = (
    'good: {metricSource: {type: Prometheus, spec: {query: "sum(rate(q_seconds_bucket{le=\\"10.0\\"}[{{.window}}]))"}}}'
)
BAD = 'bad: {metricSource: {type: Prometheus, spec: {query: "sum(rate(e_total{kind=\\"bad\\"}[{{.window}}]))"}}}'
SHED = {"batch": "25%", "interactive": "50%", "rate": "4"}


def slo(counted: str = GOOD, name: str = "quick", **shed: str) -> str:
    notes = "".join(f'\n    bongsu/shed-{key}: "{value}"' for key, value in shed.items())
    return f"""
apiVersion: openslo/v1
kind: SLO
metadata:
  name: {name}
  annotations:
    bongsu/alert: Slow{name.capitalize()}
    bongsu/title-ko: 빠름{notes}
spec:
  service: shop
  indicator:
    metadata: {{name: quick}}
    spec:
      ratioMetric:
        counter: true
        {counted}
        total: {{metricSource: {{type: Prometheus, spec: {{query: "sum(rate(q_seconds_count[{{{{.window}}}}]))"}}}}}}
  timeWindow: [{{duration: 30d, isRolling: true}}]
  budgetingMethod: Occurrences
  objectives: [{{target: 0.95}}]
"""


def test_shares_of_the_promise_become_seconds_and_numbers_of_runs() -> None:
    slos, problems = load({"slo/a.yaml": slo(**SHED)})
    assert problems == []
    (text,) = compile_admission(slos.slos).values()
    compiled = json.loads(text)
    assert (compiled["promised_seconds"], compiled["slo"]) == (10.0, "shop-quick")
    assert compiled["shed"] == {
        "batch": {"waiting_seconds": 2.5, "depth": 10},
        "interactive": {"waiting_seconds": 5.0, "depth": 20},
    }
    assert compiled["generated"].endswith("slo/a.yaml")


def test_of_two_promises_the_shorter_one_counts() -> None:
    long = slo(GOOD.replace("10.0", "60.0"), "patient", **SHED)
    slos, _ = load({"slo/a.yaml": slo(**SHED), "slo/b.yaml": long})
    assert json.loads(compile_admission(slos.slos)["shop.json"])["promised_seconds"] == 10.0


def test_an_slo_without_limits_compiles_to_none() -> None:
    slos, problems = load({"slo/a.yaml": slo()})
    assert (problems, compile_admission(slos.slos)) == ([], {})


@pytest.mark.parametrize(
    ("shed", "said"),
    [
        ({**SHED, "batch": "quarter"}, "no share"),
        ({**SHED, "batch": "0%"}, "no share"),
        ({**SHED, "interactive": "100%"}, "no share"),
        ({**SHED, "rate": "0"}, "no rate"),
        ({**SHED, "rate": "many"}, "no rate"),
        ({**SHED, "batch": "60%"}, "later than interactive"),
        ({"batch": "25%", "rate": "4"}, "shed-interactive"),
        ({**SHED, "bach": "1%"}, "unknown annotation"),
    ],
)
def test_what_is_wrong_with_the_limits_is_said_where_it_stands(shed: dict[str, str], said: str) -> None:
    slos, problems = load({"slo/a.yaml": slo(**shed)})
    assert any(said in problem.what for problem in problems), problems
    assert all(problem.span.file == "slo/a.yaml" for problem in problems)
    assert compile_admission(slos.slos) == {} or "bach" in shed


def test_a_promise_without_a_time_has_no_limits() -> None:
    _, problems = load({"slo/a.yaml": slo(BAD, **SHED)})
    assert [problem.what for problem in problems] == ["the SLO promises no time"]
