from __future__ import annotations

from dataclasses import replace

import pytest

from bongsu.core.diagnostics import Span
from bongsu.core.promql import Expression
from bongsu.slo.example import example
from bongsu.slo.model import Ratio, Slo
from tests.unit.slo.test_compile import SLO


def slo(bad: str = "", total: str = "", good: str = "") -> Slo:
    def query(text: str) -> Expression | None:
        return Expression(text, Span("x.yaml")) if text else None

    return replace(SLO, indicator=Ratio(Expression(total, Span("x.yaml")), query(bad), query(good)))


def names(made: Slo) -> tuple[list[str], list[str], list[str]]:
    found = example(made)
    assert found is not None
    return tuple([str(series) for series in kind] for kind in (found.good, found.bad, found.decoys))  # type: ignore[return-value]


def test_bad_and_good_events_each_increment_what_the_queries_want() -> None:
    good, bad, decoys = names(
        slo('sum(rate(x{code="500"}[{{.window}}]))', 'sum(rate(x{code=~"200|500"}[{{.window}}]))')
    )
    assert (good, bad) == (['x{code="200"}'], ['x{code="500"}'])
    assert decoys == ['x{code="other"}']


def test_errors_counted_apart_increment_both_counters() -> None:
    good, bad, _ = names(slo("sum(rate(errors_total[{{.window}}]))", "sum(rate(requests_total[{{.window}}]))"))
    assert good == ["requests_total{}"]
    assert sorted(bad) == ["errors_total{}", "requests_total{}"]


def test_a_total_that_is_good_and_bad_together_is_a_sum() -> None:
    good, bad, _ = names(
        slo(good="sum(rate(ok[{{.window}}]))", total="sum(rate(ok[{{.window}}])) + sum(rate(failed[{{.window}}]))")
    )
    assert (good, bad) == (["ok{}"], ["failed{}"])


@pytest.mark.parametrize(
    "query",
    [
        "avg_over_time(up[{{.window}}])",
        "histogram_quantile(0.9, sum(rate(x[{{.window}}])))",
        "sum(rate(x[{{.window}}] offset 5m))",
    ],
)
def test_what_is_no_sum_of_rates_has_no_example(query: str) -> None:
    assert example(slo(query, "sum(rate(y[{{.window}}]))")) is None
