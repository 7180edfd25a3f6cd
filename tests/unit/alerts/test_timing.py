from __future__ import annotations

import math
from pathlib import Path

import pytest

from bongsu.alerts.load import load
from bongsu.alerts.timing import AlertTiming, timings
from bongsu.slo.load import load as load_slos

ROOT = Path(__file__).parents[3]
ALERTS = load({p.name: p.read_text(encoding="utf-8") for p in (ROOT / "alerts").glob("*.yaml")})[0].alerts
SLOS = load_slos({p.name: p.read_text(encoding="utf-8") for p in (ROOT / "slo").glob("*.yaml")})[0]


def timing(
    alert: str, severity: str = "critical", *, factor: float = 1.0, rate: float = 1.0, tier: str = ""
) -> AlertTiming:
    found = [
        one
        for one in timings(SLOS, ALERTS, factor=factor, events_per_second=rate)
        if one.alert == alert and one.severity == severity and one.labels.get("tier", "") == tier
    ]
    assert len(found) == 1
    return found[0]


def test_there_is_one_timing_per_compiled_alert_rule() -> None:
    found = timings(SLOS, ALERTS, factor=1.0, events_per_second=1.0)
    assert len(found) == (4 + 1) * len(SLOS.slos) + sum(len(alert.levels) for alert in ALERTS)


def test_a_burn_rate_tier_has_the_workbooks_times() -> None:
    fast = timing("AnswersBudgetBurn", tier="fast")
    assert fast.windows == (300, 600)
    assert fast.longest_window == 600
    # sqrt(2 x 300 x 600 x 0.144): the average of 5-minute rates over 10 minutes.
    assert fast.detect_seconds_at_total_outage == pytest.approx(227.7, abs=0.1)
    assert fast.clear_seconds == pytest.approx(256.8)


def test_a_burn_rate_tier_waits_for_its_bad_events() -> None:
    assert (timing("AnswersBudgetBurn", tier="fast").floor, timing("AnswersBudgetBurn", tier="fast").floor_window) == (
        5,
        600,
    )
    assert timing("AnswersBudgetBurn", tier="fast", rate=0.01).detect_seconds_at_total_outage == 500
    assert math.isinf(timing("AnswersBudgetBurn", tier="fast", rate=0.001).detect_seconds_at_total_outage)


def test_availability_falls_below_ninety_percent_after_a_tenth_of_its_window() -> None:
    low = timing("AvailabilityLow")
    assert (low.detect_seconds_at_total_outage, low.clear_seconds) == (30.0, 300.0)
    assert (low.floor, low.floor_window) == (20, 300)
    assert low.minimum_rate == pytest.approx(20 / 300)


def test_availability_never_fires_below_its_floor() -> None:
    assert math.isinf(timing("AvailabilityLow", rate=0.05).detect_seconds_at_total_outage)
    assert math.isinf(timing("AvailabilityLow", factor=60, rate=3.9).detect_seconds_at_total_outage)
    assert timing("AvailabilityLow", factor=60, rate=4.1).detect_seconds_at_total_outage == 0.5


@pytest.mark.parametrize(("factor", "seconds"), [(1.0, 960), (60.0, 901)])
def test_an_age_grows_by_a_second_each_second_whatever_the_time_factor(factor: float, seconds: float) -> None:
    lag = timing("WalLag", factor=factor)
    assert (lag.detect_seconds_at_total_outage, lag.clear_seconds, lag.windows) == (seconds, 0, ())


@pytest.mark.parametrize(("severity", "needed"), [("critical", 51), ("warning", 11)])
def test_errors_are_counted_one_by_one_and_clear_with_the_shorter_window(severity: str, needed: int) -> None:
    errors = timing("ErrorsHigh", severity, rate=0.5)
    assert errors.detect_seconds_at_total_outage == needed / 0.5
    assert (errors.longest_window, errors.clear_seconds) == (3600, 900)


def test_too_few_errors_an_hour_never_fire_however_long_they_last() -> None:
    assert math.isinf(timing("ErrorsHigh", rate=50 / 3600).detect_seconds_at_total_outage)
    assert timing("ErrorsHigh", rate=51 / 3600).detect_seconds_at_total_outage == pytest.approx(3600)


def test_counts_are_not_compressed_and_windows_are() -> None:
    errors = timing("ErrorsHigh", factor=60, rate=9)
    assert errors.windows == (15, 60)
    assert errors.clear_seconds == 15
    assert errors.detect_seconds_at_total_outage == pytest.approx(51 / 9)


def test_resources_wait_for_their_window_and_their_for() -> None:
    assert timing("MemoryHigh").detect_seconds_at_total_outage == 300
    assert timing("MemoryHigh").clear_seconds == 0
    assert timing("CpuHigh").detect_seconds_at_total_outage == 0.9 * 300 + 300
    assert timing("CpuHigh", factor=60).for_seconds == 5


def test_an_alert_that_goes_on_firing_clears_so_much_later_in_compressed_time_too() -> None:
    restarts = timing("ProcessRestarting", "warning")
    assert (restarts.keep_seconds, restarts.clear_seconds) == (300, 900 + 300)
    restarts = timing("ProcessRestarting", "warning", factor=60)
    assert (restarts.keep_seconds, restarts.clear_seconds) == (5, 15 + 5)
    assert timing("CpuHigh").keep_seconds == 0


def test_slow_answers_are_seen_when_they_end() -> None:
    assert timing("SimpleAnswersSlow").detect_seconds_at_total_outage == pytest.approx(0.05 * 300 + 30)
