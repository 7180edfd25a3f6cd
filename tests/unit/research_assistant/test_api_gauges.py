from __future__ import annotations

import math

from research_assistant.api.gauges import FRESH_SECONDS, Reading, used_ratio


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_reading_spoils_so_that_an_outage_never_looks_like_calm() -> None:
    clock = Clock()
    reading = Reading(clock)
    assert math.isnan(reading.get())
    reading.set(3.0)
    clock.now += FRESH_SECONDS
    assert reading.get() == 3.0
    clock.now += 0.1
    assert math.isnan(reading.get())


def test_a_failed_reading_is_not_a_number_at_once() -> None:
    reading = Reading(Clock())
    reading.set(3.0)
    reading.set(math.nan)
    assert math.isnan(reading.get())


def test_the_used_share_of_a_budget_needs_no_budget() -> None:
    assert used_ratio(40.0, 50.0) == 0.8
    assert used_ratio(0.0, 0.0) == 0.0
    assert used_ratio(0.01, 0.0) == math.inf
