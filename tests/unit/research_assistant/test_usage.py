from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from research_assistant.usage import budget_day_start

SEOUL = ZoneInfo("Asia/Seoul")
ZONES = (  # the clocks of the last five change: at 2, at 2, from 24 to 1, from 24 to 23, and where midnight comes twice
    "UTC",
    "Asia/Seoul",
    "Asia/Kathmandu",
    "America/New_York",
    "Europe/Berlin",
    "Africa/Cairo",
    "America/Santiago",
    "America/Havana",
)
zones = st.sampled_from(ZONES).map(ZoneInfo)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - st adds UTC
day_lengths = st.floats(1, 86_400)


@settings(deadline=None)  # a zone file read for the first time on a busy machine
@given(instants, zones, day_lengths)
def test_the_day_holds_the_instant_and_began_on_its_local_date(now: datetime, zone: ZoneInfo, length: float) -> None:
    start = budget_day_start(now, zone, length)
    assert start <= now
    assert start.astimezone(zone).date() == now.astimezone(zone).date()
    assert start.tzinfo is UTC


@settings(deadline=None)  # a zone file read for the first time on a busy machine
@given(instants, zones, st.floats(1, 86_399))
def test_a_short_day_is_never_longer_than_it_says(now: datetime, zone: ZoneInfo, length: float) -> None:
    assert now - budget_day_start(now, zone, length) <= timedelta(seconds=length)


@settings(deadline=None)  # a zone file read for the first time on a busy machine
@given(instants, instants, zones, day_lengths)
def test_a_later_instant_never_has_an_earlier_day(
    one: datetime, other: datetime, zone: ZoneInfo, length: float
) -> None:
    early, late = sorted((one, other))
    assert budget_day_start(early, zone, length) <= budget_day_start(late, zone, length)


@settings(deadline=None)  # a zone file read for the first time on a busy machine
@given(instants, zones)
def test_the_instant_before_a_day_belongs_to_another_day(now: datetime, zone: ZoneInfo) -> None:
    start = budget_day_start(now, zone)
    assert budget_day_start(start, zone) == start
    assert budget_day_start(start - timedelta(microseconds=1), zone) < start


@pytest.mark.parametrize(
    ("now", "zone", "start"),
    [
        ("2026-11-23T14:59:59+00:00", "Asia/Seoul", "2026-11-22T15:00:00+00:00"),
        ("2026-11-23T15:00:00+00:00", "Asia/Seoul", "2026-11-23T15:00:00+00:00"),
        # 8 March 2026, New York: a day of 23 hours; 1 November: one of 25.
        ("2026-03-09T03:59:59+00:00", "America/New_York", "2026-03-08T05:00:00+00:00"),
        ("2026-11-02T04:59:59+00:00", "America/New_York", "2026-11-01T04:00:00+00:00"),
        # 24 April 2026, Cairo: the clocks skip from 24:00 to 1:00.
        ("2026-04-24T12:00:00+00:00", "Africa/Cairo", "2026-04-23T22:00:00+00:00"),
    ],
)
def test_a_full_day_begins_at_local_midnight(now: str, zone: str, start: str) -> None:
    assert budget_day_start(datetime.fromisoformat(now), ZoneInfo(zone)) == datetime.fromisoformat(start)


def test_an_injected_day_of_a_minute_begins_with_each_minute() -> None:
    now = datetime(2026, 11, 23, 12, 34, 56, tzinfo=UTC)
    assert budget_day_start(now, SEOUL, 60) == datetime(2026, 11, 23, 12, 34, tzinfo=UTC)
