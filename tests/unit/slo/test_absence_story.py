"""The judge of the absence alert, by small worlds whose answer is plain."""

from __future__ import annotations

from dataclasses import replace

from bongsu.slo.absence_story import DOWN, HOUR, NEVER, STORY, VANISHED, Story, state

ALL = (DOWN, VANISHED, NEVER)
DAYS = 86400
ALWAYS = ((0, 40 * DAYS),)
IDLE = Story(up=ALWAYS, rules=ALWAYS, counted=(), hourly=())
NOON = 5 * DAYS + HOUR // 2 + 60


def test_events_that_never_had_a_series_are_missed_once_a_day_has_been_looked_at() -> None:
    assert state(IDLE, 3 * HOUR + 60, ALL) == frozenset()
    assert state(IDLE, NOON, ALL) == {NEVER}


def test_events_that_had_a_series_within_thirty_days_have_vanished() -> None:
    had = replace(IDLE, hourly=((2 * HOUR, 3 * HOUR),))
    assert state(had, NOON, ALL) == {VANISHED}
    assert state(had, 31 * DAYS + HOUR // 2 + 60, ALL) == {NEVER}


def test_a_total_seen_within_the_day_is_not_missed() -> None:
    assert state(replace(IDLE, counted=((NOON - 9960, NOON - 9960),)), NOON, ALL) == frozenset()


def test_a_target_that_is_down_is_all_that_is_told() -> None:
    assert state(replace(IDLE, up=((0, 4 * DAYS),)), NOON, ALL) == {DOWN}


def test_a_day_in_which_the_rules_were_away_for_five_hours_is_no_day_to_judge_by() -> None:
    away = replace(IDLE, rules=((0, NOON - 7 * HOUR), (NOON - 2 * HOUR, 40 * DAYS)))
    assert state(away, NOON, ALL) == frozenset()


def test_an_slo_without_a_job_asks_nothing_of_a_target() -> None:
    assert state(replace(IDLE, up=()), NOON, (VANISHED, NEVER)) == {NEVER}


def test_the_story_meets_every_reason_and_silence() -> None:
    told = {state(STORY, number * 3660, ALL) for number in range(800)}
    assert told - {None} == {frozenset(), frozenset({DOWN}), frozenset({VANISHED}), frozenset({NEVER})}
