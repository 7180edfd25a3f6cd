from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.core.errors import UsageError
from bongsu.slo.model import Tier, is_dead, threshold
from bongsu.slo.timing import detect_seconds, max_factor, refuse_factor, reset_seconds, seen_after

FAST = Tier("fast", "critical", Decimal("14.4"), "1h", "5m")
TIERS = st.sampled_from(
    [FAST, Tier("slow", "critical", Decimal(6), "6h", "30m"), Tier("days", "warning", Decimal(1), "3d", "6h")]
)
OBJECTIVES = st.floats(0.94, 0.9999)
RATIOS = st.floats(0.0001, 1.0)


def simulated(tier: Tier, objective: float, error_ratio: float) -> tuple[float, float]:
    """Play one outage in steps of 2 seconds: first firing second, and how many seconds it lasts after the end."""
    step = 2
    limit = float(threshold(tier, objective))
    base, long, short = (int(s) // step for s in (tier.base_seconds, tier.long_seconds, tier.short_seconds))
    outage = long + base
    total = outage + long + 2 * base
    bad = [error_ratio if now < outage else 0.0 for now in range(total)]

    def mean(values: list[float], now: int, window: int) -> float:
        return sum(values[max(0, now - window) : now]) / window

    rates = [mean(bad, now, base) for now in range(total)]

    def share(now: int, window: int) -> float:
        return rates[now] if window == base else mean(rates, now, window)

    firing = [now for now in range(total) if share(now, long) > limit and share(now, short) > limit]
    return float(firing[0]) * step, float(firing[-1] - outage) * step


@pytest.mark.parametrize("objective", [0.99, 0.999, 0.95])
@pytest.mark.parametrize("error_ratio", [1.0, 0.9, 0.75])
@pytest.mark.parametrize("windows", [("1h", "5m"), ("30m", "10m"), ("10m", "5m"), ("5m", "5m")])
def test_the_formulas_agree_with_a_simulated_outage(
    windows: tuple[str, str], error_ratio: float, objective: float
) -> None:
    tier = Tier("fast", "critical", Decimal("14.4"), *windows)
    fired, lasted = simulated(tier, objective, error_ratio)
    assert detect_seconds(tier, objective, error_ratio) == pytest.approx(fired, abs=6)
    assert reset_seconds(tier, objective, error_ratio) == pytest.approx(lasted, abs=6)


def test_the_workbooks_numbers_hold_where_nothing_smears() -> None:
    # SRE workbook, table 5-8: 99.9 %, total outage, 1 h x 14.4: 52 s; reset of the 5 m window: 4.9 min.
    assert seen_after(0.0144, 3600, 3600) == pytest.approx(51.84)
    assert reset_seconds(FAST, 0.999, 1.0) == pytest.approx(295.68)


def test_averages_of_rates_see_an_outage_later() -> None:
    # Replayed with Prometheus 2.42 (research/slo.md 5): total outage of 99.9 %: 3 minutes instead of 2.
    assert detect_seconds(FAST, 0.999, 1.0) == pytest.approx(176.4, abs=0.1)


@given(TIERS, OBJECTIVES, RATIOS)
def test_a_tier_fires_exactly_above_its_threshold_and_within_its_long_window(
    tier: Tier, objective: float, error_ratio: float
) -> None:
    seconds = detect_seconds(tier, objective, error_ratio)
    if error_ratio > float(threshold(tier, objective)):
        assert 0 < seconds <= tier.long_seconds + tier.base_seconds
        assert 0 <= reset_seconds(tier, objective, error_ratio) <= tier.short_seconds + tier.base_seconds
    else:
        assert math.isinf(seconds)
        assert reset_seconds(tier, objective, error_ratio) == 0


@given(TIERS, OBJECTIVES, RATIOS, RATIOS)
def test_a_worse_outage_never_fires_later(tier: Tier, objective: float, one: float, two: float) -> None:
    low, high = sorted((one, two))
    assert detect_seconds(tier, objective, high) <= detect_seconds(tier, objective, low)


@given(TIERS, OBJECTIVES, RATIOS, st.sampled_from([2.0, 60.0]))
def test_a_time_factor_divides_both_times(tier: Tier, objective: float, error_ratio: float, factor: float) -> None:
    assert detect_seconds(tier, objective, error_ratio, factor) == pytest.approx(
        detect_seconds(tier, objective, error_ratio) / factor
    )
    assert reset_seconds(tier, objective, error_ratio, factor) == pytest.approx(
        reset_seconds(tier, objective, error_ratio) / factor
    )


@given(TIERS, st.floats(0.01, 0.9999))
def test_a_dead_tier_is_one_that_a_total_outage_does_not_fire(tier: Tier, objective: float) -> None:
    assert is_dead(tier, objective) == math.isinf(detect_seconds(tier, objective, 1.0))


def test_the_largest_factor_leaves_five_scrapes_in_the_shortest_window() -> None:
    assert max_factor([3600.0, 300.0], 1.0) == 60
    refuse_factor(60.0, [3600.0, 300.0], 1.0)
    refuse_factor(1.0, [300.0], 300.0)
    with pytest.raises(UsageError, match="time factor 61 leaves the 5m window fewer than 5 scrapes"):
        refuse_factor(61.0, [3600.0, 300.0], 1.0)
    with pytest.raises(UsageError, match=r"time factor 0\.5 is below 1"):
        refuse_factor(0.5, [300.0], 1.0)
