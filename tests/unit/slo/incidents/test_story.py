"""Generated events: as many as the traffic says, as bad as the incidents say, the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from bongsu.core.diagnostics import Span
from bongsu.slo.incidents.model import Incident, Incidents, Traffic
from bongsu.slo.incidents.story import events

DAY, STEP = 86400.0, 15.0


def story(*incidents: Incident, background: float = 0.0) -> Incidents:
    return Incidents(incidents, DAY, 1, Traffic(10, 2, background))


def incident(start: float, end: float, **shape: float) -> Incident:
    return Incident("it", start, end, "page", Span("x"), **shape)


def test_a_day_holds_the_mean_of_noon_and_midnight_and_noon_is_the_busiest() -> None:
    good, bad = events(story(), 0.01, STEP)
    assert good.sum() == pytest.approx(6 * DAY, rel=0.01)
    assert bad.sum() == 0
    hours = good.reshape(24, -1).sum(axis=1)
    assert hours.argmax() in (11, 12)
    assert hours.argmin() in (0, 23)


def test_an_incident_spoils_its_share_and_nothing_before_or_after_it() -> None:
    good, bad = events(story(incident(6 * 3600, 7 * 3600, share=0.25)), 0.01, STEP)
    hours = bad.reshape(24, -1).sum(axis=1)
    assert np.flatnonzero(hours).tolist() == [6]
    assert hours[6] / (good + bad).reshape(24, -1).sum(axis=1)[6] == pytest.approx(0.25, rel=0.05)


def test_a_burn_is_a_multiple_of_the_budget_and_never_more_than_everything() -> None:
    assert incident(0, 1, burn=5).bad(0.01) == pytest.approx(0.05)
    assert incident(0, 1, burn=5).bad(0.5) == 1.0


def test_a_flapping_incident_is_there_for_the_first_part_of_each_round() -> None:
    good, _ = events(story(incident(36000, 39600, share=1, pulse=300, every=600)), 0.01, STEP)
    rounds = good[2400:2640].reshape(6, -1)
    assert rounds[:, :20].sum() == 0
    assert rounds[:, 20:].min() > 0


def test_the_same_seed_tells_the_same_story() -> None:
    first, second = events(story(background=1), 0.01, STEP), events(story(background=1), 0.01, STEP)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_real_history_is_not_generated() -> None:
    with pytest.raises(ValueError, match="not generated"):
        events(Incidents(()), 0.01, STEP)
