from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest

from bongsu.slo.model import Tier, threshold
from bongsu.slo.oracle import Definition, Phase, firing, recorded, share
from bongsu.slo.replay import definition, sample_seconds
from bongsu.slo.stories import detection, reset, timeline
from bongsu.slo.timing import detect_seconds, reset_seconds
from bongsu.slo.windows import fit, load_rules

OBJECTIVES = (0.5, 0.9, 0.99, 0.9999)
PERIODS = ("7d", "30d")
TIERS = [
    pytest.param(tier, objective, id=f"{objective} {period} {tier.name}")
    for objective, period in product(OBJECTIVES, PERIODS)
    for tier in fit(load_rules(), period, objective).tiers
]
SMALL = Definition(share=0.5, long=4, short=2, base=1, events=3)


def test_the_oracle_fires_while_both_windows_are_bad_enough() -> None:
    phases = (Phase(4, 10, 0), Phase(4, 0, 10), Phase(3, 10, 0))
    # Long: 3 of 4 samples at the third bad one; short: clears one sample after the end.
    assert firing(SMALL, phases) == [False] * 7 + [True] * 2 + [False] * 3


def test_the_oracle_waits_for_enough_bad_events() -> None:
    quiet = Phase(4, 0, 0)
    assert not any(firing(SMALL, (quiet, Phase(1, 0, 2), quiet)))
    assert any(firing(SMALL, (quiet, Phase(1, 0, 3), quiet)))


def test_the_oracle_is_silent_without_traffic() -> None:
    assert not any(firing(SMALL, (Phase(9, 0, 0),)))


def test_a_base_rate_sees_a_change_grow_over_the_base_window() -> None:
    rates = recorded(2, (Phase(2, 4, 0), Phase(2, 0, 4)))
    assert rates.bad == (0, 0, 0, 2, 4)
    assert rates.total == (0, 4, 4, 4, 4)


def test_a_share_is_that_of_all_events_in_the_window() -> None:
    assert share(3, 1, (Phase(1, 0, 9), Phase(1, 0, 10), Phase(2, 5, 0))) == 0.5


@pytest.mark.parametrize(("tier", "objective"), TIERS)
def test_a_total_outage_is_noticed_and_forgotten_within_one_evaluation_of_the_printed_times(
    tier: Tier, objective: float
) -> None:
    sample, defined = sample_seconds(tier), definition(tier, objective)
    onset, end = detection(defined, 1.0), reset(defined)
    assert abs(onset.first * sample - detect_seconds(tier, objective, 1.0)) <= sample
    assert abs(end.first * sample - reset_seconds(tier, objective, 1.0)) <= sample
    assert onset.first - onset.last <= 2
    assert end.first - end.last <= 2


@pytest.mark.parametrize(("tier", "objective"), TIERS)
def test_errors_at_twice_the_threshold_are_noticed_within_one_evaluation_of_the_printed_time(
    tier: Tier, objective: float
) -> None:
    error = 2 * float(threshold(tier, objective))
    if error < 1:
        onset = detection(definition(tier, objective), error)
        assert abs(onset.first * sample_seconds(tier) - detect_seconds(tier, objective, error)) <= sample_seconds(tier)


@pytest.mark.parametrize(("tier", "objective"), TIERS)
def test_every_packaged_tier_has_a_timeline_of_few_evaluations_that_asks_for_all_it_must_do(
    tier: Tier, objective: float
) -> None:
    told = timeline(definition(tier, objective))
    text = " ".join(question.name for question in told.questions.values())
    for story in ("without any traffic", "4 bad events", "just below", "just above", "is noticed", "clears"):
        assert story in text
    assert max(told.questions) < 20
    assert len(told.rates.bad) == max(told.questions) * told.stretch + 1


def test_a_tier_without_a_floor_is_not_asked_about_one() -> None:
    tier = Tier("own", "critical", Decimal(10), "1h", "5m")
    names = [question.name for question in timeline(definition(tier, 0.99)).questions.values()]
    assert not [name for name in names if "no good one" in name]


def test_a_threshold_that_nothing_exceeds_cannot_be_told() -> None:
    with pytest.raises(ValueError, match=r"not in list|cannot be"):
        timeline(Definition(share=1.2, long=4, short=2, base=1, events=3))
