from __future__ import annotations

import promql_parser
import pytest

from bongsu.core.promql import WINDOW, fill
from bongsu.slo.births import SECONDS, with_births

BORN = "((x unless x offset {{.window}}) and on (job, instance) (up offset {{.window}} == 1))"


def test_a_rate_counts_the_value_of_a_series_that_is_new_while_its_target_is_not() -> None:
    assert with_births("sum(rate(x[{{.window}}]))") == (
        f"sum(((rate(x[{{{{.window}}}}]) unless {BORN}) or {BORN} / {{{{.seconds}}}}))"
    )


def test_an_increase_is_not_divided() -> None:
    assert with_births("increase(x[{{.window}}])") == f"((increase(x[{{{{.window}}}}]) unless {BORN}) or {BORN})"


@pytest.mark.parametrize(
    "query",
    [
        "sum(rate(x[5m]))",
        "sum(rate(x[{{.window}}] offset 1m))",
        "rate(sum(x)[{{.window}}:1m])",
        "avg_over_time(x[{{.window}}])",
        "rate",
        'sum(y{a="rate(x[{{.window}}])"})',
    ],
)
def test_what_is_no_plain_rate_of_the_window_stays_as_it_is(query: str) -> None:
    assert with_births(query) == query


@pytest.mark.parametrize(
    "query",
    [
        'sum by (le) (rate(x_bucket{le="1", code!~"5.."}[{{.window}}]))',
        'sum(rate({__name__="x", a="}"}[{{.window}}])) - sum(increase(y[{{.window}}])) / 2',
        "sum( rate ( x { a = 'b' } [ {{.window}} ] ) ) # rate(z[{{.window}}])",
    ],
)
def test_the_result_is_promql(query: str) -> None:
    made = with_births(query)
    assert made != query
    promql_parser.parse(fill(made, {WINDOW: "5m", SECONDS: "300"}))
