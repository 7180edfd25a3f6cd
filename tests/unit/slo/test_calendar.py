"""Windows on the calendar, against the zone database asked directly."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.slo.calendar import end, length_expr, longest, offset_expr, start_expr, starts
from bongsu.slo.model import Calendar

ZONES = (
    "UTC",
    "Asia/Seoul",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
)


def evaluated(expr: str, now: int) -> float:
    """Return what a scalar made of time(), numbers, + - * % and `>= bool` is at an instant."""
    text = expr.replace("time()", "now").replace(" bool", "")
    return float(eval(compile(ast.parse(text, mode="eval"), "promql", "eval"), {"now": now}))  # noqa: S307 - our own text


def start(calendar: Calendar, now: int) -> float:
    """Return the start of the current window as its PromQL computes it."""
    value = start_expr(calendar).split(" and on () ")[0]
    assert value.startswith("vector(")
    return evaluated(value.removeprefix("vector"), now)


def wall(at: float, zone: str) -> datetime:
    return datetime.fromtimestamp(at, ZoneInfo(zone)).replace(tzinfo=None)


def seconds(zone: str, *when: int) -> int:
    return round(datetime(*when, tzinfo=ZoneInfo(zone)).timestamp())  # type: ignore[arg-type,misc]


def test_a_month_begins_at_midnight_of_its_zone() -> None:
    month = Calendar(1, "M", datetime(2026, 1, 1), "Asia/Seoul")  # noqa: DTZ001 - wall time
    assert start(month, seconds("Asia/Seoul", 2026, 3, 1) - 1) == seconds("Asia/Seoul", 2026, 2, 1)
    assert start(month, seconds("Asia/Seoul", 2026, 3, 1)) == seconds("Asia/Seoul", 2026, 3, 1)
    assert evaluated(length_expr(month), seconds("Asia/Seoul", 2028, 2, 15)) == 29 * 86400
    assert longest(month) == 31 * 86400


def test_the_day_the_clocks_change_has_23_or_25_hours() -> None:
    day = Calendar(1, "d", datetime(2026, 1, 1), "Europe/Berlin")  # noqa: DTZ001
    for date, hours in (((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 10, 26), 24)):
        first = seconds("Europe/Berlin", *date)
        last = first + hours * 3600 - 1
        assert start(day, first) == start(day, last) == first
        assert start(day, last + 1) == last + 1
        assert evaluated(length_expr(day), last) == hours * 3600


def test_a_window_that_began_on_the_31st_begins_on_the_last_day_of_short_months() -> None:
    month = Calendar(1, "M", datetime(2026, 1, 31, 12, 30), "UTC")  # noqa: DTZ001
    assert [str(wall(at, "UTC"))[:16] for at in starts(month)[:4]] == [
        "2026-01-31 12:30",
        "2026-02-28 12:30",
        "2026-03-31 12:30",
        "2026-04-30 12:30",
    ]


def test_a_quarter_and_a_year_keep_their_day() -> None:
    quarter = Calendar(1, "Q", datetime(2026, 2, 1), "America/New_York")  # noqa: DTZ001
    assert [wall(at, "America/New_York").month for at in starts(quarter)[:5]] == [2, 5, 8, 11, 2]
    year = Calendar(1, "Y", datetime(2024, 2, 29), "UTC")  # noqa: DTZ001
    assert [wall(at, "UTC").day for at in starts(year)] == [29, 28, 28, 28]


@pytest.mark.parametrize("unit", ["d", "w", "M", "Q", "Y"])
def test_three_years_of_a_calendar_are_a_short_expression(unit: str) -> None:
    for zone in ZONES:
        assert len(start_expr(Calendar(1, unit, datetime(2026, 1, 1), zone))) < 2000  # noqa: DTZ001


walls = st.datetimes(datetime(2001, 1, 1), datetime(2035, 1, 1)).map(lambda d: d.replace(second=0, microsecond=0))  # noqa: DTZ001


@settings(max_examples=150, deadline=None)
@given(walls, st.sampled_from(ZONES), st.sampled_from("dwMQY"), st.integers(1, 3), st.floats(0, 0.999))
def test_the_computed_start_is_the_last_one_on_the_wall(
    began: datetime, zone: str, unit: str, number: int, far: float
) -> None:
    calendar = Calendar(number, unit, began, zone)
    known = starts(calendar)
    now = round(known[0] + far * (known[-1] - known[0]))
    found = start(calendar, now)
    assert found <= now < found + evaluated(length_expr(calendar), now)
    assert now - found <= longest(calendar)
    at = datetime.fromtimestamp(found, ZoneInfo(zone))
    # The wall shows the time it began at, unless that time does not exist there, or the day of the month does not.
    nominal = at.replace(tzinfo=None, hour=began.hour, minute=began.minute)
    exists = wall(nominal.replace(tzinfo=ZoneInfo(zone)).timestamp(), zone) == nominal
    if exists:
        assert (at.hour, at.minute) == (began.hour, began.minute)
        if unit in "MQY":
            assert at.day == began.day or (at + timedelta(days=1)).day == 1
        else:
            assert (at.date() - began.date()).days % (number * {"d": 1, "w": 7}[unit]) == 0


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES), st.floats(0, 0.999))
def test_the_offset_of_a_zone_is_the_zones(zone: str, far: float) -> None:
    now = round(seconds("UTC", 2026, 1, 1) + far * 3 * 365 * 86400)
    offset = datetime.fromtimestamp(now, ZoneInfo(zone)).utcoffset()
    assert offset is not None
    assert evaluated(offset_expr(zone, datetime(2026, 1, 1)), now) == offset.total_seconds()  # noqa: DTZ001


def test_before_and_after_the_three_years_there_is_no_window() -> None:
    month = Calendar(1, "M", datetime(2026, 1, 1), "UTC")  # noqa: DTZ001
    assert end(month) == datetime(2029, 1, 1, tzinfo=UTC)
    within = start_expr(month).split(" and on () ")[1]
    assert within == f"((vector(time()) >= {seconds('UTC', 2026, 1, 1)}) < {seconds('UTC', 2029, 1, 1)})"
