from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bongsu.core.durations import parse_duration
from bongsu.slo.model import is_dead, threshold
from bongsu.slo.timing import detect_seconds
from bongsu.slo.windows import fit, load_rules, parse_rules, period_problem

RULES = load_rules()
OBJECTIVES = st.floats(0.5, 0.9999)
PERIODS = st.integers(1, 120).map(lambda days: f"{days}d")


def test_a_high_objective_keeps_the_workbooks_tiers() -> None:
    found = [(t.name, t.severity, t.long, t.short, t.factor, t.events) for t in fit(RULES, "30d", 0.999).tiers]
    assert found == [
        ("fast", "critical", "1h", "5m", Decimal("14.4"), 5),
        ("slow", "critical", "6h", "30m", Decimal(6), 5),
        ("day", "warning", "1d", "2h", Decimal(3), 5),
        ("days", "warning", "3d", "6h", Decimal(1), 5),
    ]


def test_28_days_have_sloths_factors_but_for_the_one_below_1() -> None:
    factors = [str(tier.factor) for tier in fit(RULES, "28d", 0.999).tiers]
    assert factors == ["13.44", "5.6", "2.8", "1"]


def test_a_short_period_shrinks_the_windows_and_not_the_factors() -> None:
    found = [(tier.long, tier.short, str(tier.factor)) for tier in fit(RULES, "7d", 0.999).tiers]
    assert found == [("15m", "5m", "13.44"), ("1h30m", "7m", "5.6"), ("6h", "30m", "2.8"), ("18h", "1h30m", "1")]


@pytest.mark.parametrize("objective", [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999])
def test_a_total_outage_pages_within_four_minutes_whatever_the_objective(objective: float) -> None:
    paging = [tier for tier in fit(RULES, "30d", objective).tiers if tier.severity == "critical"]
    assert min(detect_seconds(tier, objective, 1.0) for tier in paging) <= 240


@given(PERIODS, OBJECTIVES)
def test_no_tier_is_dead_or_fires_inside_the_promise(period: str, objective: float) -> None:
    for tier in fit(RULES, period, objective).tiers:
        assert not is_dead(tier, objective)
        assert threshold(tier, objective) >= Decimal(1) - Decimal(repr(objective))
        assert parse_duration(tier.base) <= tier.short_seconds <= tier.long_seconds


@given(PERIODS, OBJECTIVES)
@example("38d", 0.640625)
def test_faster_tiers_have_higher_factors_and_are_not_longer(period: str, objective: float) -> None:
    tiers = fit(RULES, period, objective).tiers
    for quick, slow in pairwise(tiers):
        assert quick.factor >= slow.factor
        assert quick.long_seconds <= slow.long_seconds


@given(PERIODS, OBJECTIVES)
def test_the_first_page_of_a_total_outage_is_never_later_than_five_minutes(period: str, objective: float) -> None:
    fast = fit(RULES, period, objective).tiers[0]
    assert detect_seconds(fast, objective, 1.0) <= 300


def test_an_slo_can_wait_for_more_bad_events_or_for_none() -> None:
    assert {tier.events for tier in fit(RULES, "30d", 0.99, events=0).tiers} == {0}


@pytest.mark.parametrize(
    ("period", "problem"),
    [("30d", ""), ("1d", ""), ("12h", "shorter than a day"), ("2t", "not a duration"), ("../30d", "not a duration")],
)
def test_a_period_is_a_day_or_longer(period: str, problem: str) -> None:
    assert problem in period_problem(period)
    assert bool(problem) == bool(period_problem(period))


def test_a_broken_catalogue_of_tiers_is_said_with_its_place() -> None:
    _, problems = parse_rules("period: 30d\nsource: x\nbase: 5m\ntiers:\n  - {name: fast, lnog: 1h}\n", "w.yaml")
    assert ("spec/unknown-key", 5) in {(p.code, p.span.line) for p in problems}
