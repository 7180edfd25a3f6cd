from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.alerts.intervals import (
    Interval,
    compile_interval,
    parse_day,
    parse_month,
    parse_time,
    parse_weekday,
)
from bongsu.alerts.simulate import read_intervals
from bongsu.core.diagnostics import Span

SEOUL, NEW_YORK = ZoneInfo("Asia/Seoul"), ZoneInfo("America/New_York")


def interval(zone: str = "Asia/Seoul", **fields: tuple[str, ...]) -> Interval:
    return Interval(
        "x",
        zone,
        Span("f"),
        times=tuple(parse_time(text) for text in fields.get("times", ())),
        weekdays=tuple(parse_weekday(text) for text in fields.get("weekdays", ())),
        days=tuple(parse_day(text) for text in fields.get("days", ())),
        months=tuple(parse_month(text) for text in fields.get("months", ())),
    )


def test_the_end_of_a_time_is_outside_and_its_begin_inside() -> None:
    office = interval(times=("09:00-18:00",))
    assert office.contains(datetime(2026, 12, 24, 9, 0, tzinfo=SEOUL))
    assert office.contains(datetime(2026, 12, 24, 17, 59, 59, tzinfo=SEOUL))
    assert not office.contains(datetime(2026, 12, 24, 18, 0, tzinfo=SEOUL))


def test_the_weekday_is_the_one_of_the_zone_and_not_of_utc() -> None:
    monday = interval(weekdays=("monday",))
    assert monday.contains(datetime(2026, 12, 27, 15, 0, tzinfo=UTC))
    assert not monday.contains(datetime(2026, 12, 28, 15, 0, tzinfo=UTC))


def test_an_hour_of_new_york_moves_with_its_summer_time() -> None:
    nine = interval("America/New_York", times=("09:00-10:00",))
    assert nine.contains(datetime(2027, 3, 13, 14, 30, tzinfo=UTC))
    assert not nine.contains(datetime(2027, 3, 14, 14, 30, tzinfo=UTC))
    assert nine.contains(datetime(2027, 3, 14, 13, 30, tzinfo=UTC))


@pytest.mark.parametrize(("day", "inside"), [(26, False), (27, True), (29, True)])
def test_days_may_count_from_the_end_of_a_month_leap_years_included(day: int, inside: bool) -> None:
    assert interval(days=("-3:-1",)).contains(datetime(2028, 2, day, 12, tzinfo=SEOUL)) is inside


def test_a_range_beyond_a_short_month_ends_with_the_month() -> None:
    assert interval(days=("28:31",)).contains(datetime(2027, 2, 28, 12, tzinfo=SEOUL))
    assert not interval(days=("30:31",)).contains(datetime(2027, 2, 28, 12, tzinfo=SEOUL))


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_time, "22:00-07:00"),
        (parse_time, "9:00-18:00"),
        (parse_time, "09:00-24:01"),
        (parse_time, "09:60-10:00"),
        (parse_weekday, "saturday:sunday"),
        (parse_weekday, "mon"),
        (parse_month, "december:february"),
        (parse_month, "0"),
        (parse_day, "0"),
        (parse_day, "32"),
        (parse_day, "5:1"),
        (parse_day, "-1:-3"),
        (parse_day, "-3:1"),
        (parse_day, "14:-15"),
        (parse_day, ""),
    ],
)
def test_what_alertmanager_would_refuse_is_refused_here(parse: object, text: str) -> None:
    assert callable(parse)
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def pairs(low: int, high: int) -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
    numbers = st.integers(low, high)
    ordered = st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair)))
    return st.lists(ordered, max_size=2).map(tuple)


@given(
    pairs(0, 1440).map(lambda found: tuple(pair for pair in found if pair[0] < pair[1])),
    pairs(0, 6),
    pairs(1, 31),
    pairs(1, 12),
)
def test_what_is_compiled_is_read_back_as_it_was(
    times: tuple[tuple[int, int], ...],
    weekdays: tuple[tuple[int, int], ...],
    days: tuple[tuple[int, int], ...],
    months: tuple[tuple[int, int], ...],
) -> None:
    one = Interval("x", "Asia/Seoul", Span(""), times, weekdays, days, months)
    assert read_intervals({"time_intervals": [compile_interval(one)]}) == [one]
