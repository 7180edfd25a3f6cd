"""Windows on the calendar: when each begins, and that as PromQL, which knows no time zones.

The starts of three years from `startTime` are computed at compile time from the zone's rules and become arithmetic on
`time()`: the output depends on the document (and on tzdata) and not on the day it is compiled. After three years the
budget is absent instead of wrong; slo/calendar-end says so half a year before. Why not longer: each term is computed
in every evaluation, and ten years of months are 120.

A window of so many days or weeks is as long as the days are, so that it loses or gains an hour when clocks change.
Months, quarters and years keep the day of the month, or take the last one there is.
"""

from __future__ import annotations

import calendar as months
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count, pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bongsu.slo.model import Calendar

YEARS = 3
NOMINAL_DAYS = {"d": 1, "w": 7, "M": 30, "Q": 90, "Y": 365}
"""Lengths the tiers are fitted to; those of OpenSLO's go-sdk."""
_MONTHS = {"M": 1, "Q": 3, "Y": 12}


@lru_cache(maxsize=256)
def starts(calendar: Calendar) -> tuple[int, ...]:
    """Return the starts of all windows of three years as Unix seconds, and the end of the last one."""
    zone, last = ZoneInfo(calendar.zone), end(calendar)
    found: list[int] = []
    for wall in _walls(calendar):
        found.append(round(wall.replace(tzinfo=zone).timestamp()))
        if wall.replace(tzinfo=zone) >= last:
            break
    return tuple(found)


def end(calendar: Calendar) -> datetime:
    """Return when the computed windows end."""
    return _after(calendar.start, YEARS * 12).replace(tzinfo=ZoneInfo(calendar.zone))


def start_expr(calendar: Calendar) -> str:
    """Return PromQL for the start of the current window, as a vector; empty outside the three years."""
    points = starts(calendar)
    within = f"and on () ((vector(time()) >= {points[0]}) < {points[-1]})"
    if calendar.unit in _MONTHS:
        return f"vector({_stepwise([(at, at) for at in points[:-1]])}) {within}"
    runs = _runs(points)
    first = _stepwise([(at, at) for at, _ in runs])
    length = _stepwise(runs)
    return f"vector(time() - (time() - ({first})) % ({length})) {within}"


def length_expr(calendar: Calendar) -> str:
    """Return PromQL for the seconds of the current window, as a scalar; 0 outside the three years."""
    return f"({_stepwise(_runs(starts(calendar)))}) * {known_expr(calendar)}"


def known_expr(calendar: Calendar) -> str:
    """Return PromQL for whether the current window is computed: a scalar, 1 or 0."""
    first, *_, last = starts(calendar)
    return f"(time() >= bool {first}) * (time() < bool {last})"


def longest(calendar: Calendar) -> int:
    """Return the seconds of the longest window."""
    return max(after - before for before, after in pairwise(starts(calendar)))


def past_the_hour(calendar: Calendar) -> int:
    """Return how many seconds after a full hour UTC the windows start: 1800 in Asia/Kolkata."""
    return starts(calendar)[0] % 3600


def offset_expr(zone: str, since: datetime) -> str:
    """Return PromQL for the seconds that a zone is ahead of UTC, for three years from `since`, as a scalar."""
    return f"({_stepwise(_offsets(ZoneInfo(zone), since))})"


def _offsets(zone: ZoneInfo, since: datetime) -> list[tuple[int, int]]:
    """Return the offsets of a zone and from when each holds; found day by day, then to the second."""

    def ahead(at: int) -> int:
        found = datetime.fromtimestamp(at, zone).utcoffset()
        return round(found.total_seconds()) if found is not None else 0

    first = round(since.replace(tzinfo=UTC).timestamp()) - 86400
    found = [(first, ahead(first))]
    for day in range(first, first + YEARS * 366 * 86400, 86400):
        low, high = day, day + 86400
        if ahead(high) == found[-1][1]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if ahead(middle) != found[-1][1] else (middle, high)
        found.append((high, ahead(high)))
    return found


def _walls(calendar: Calendar) -> Iterator[datetime]:
    for number in count():
        steps = number * calendar.count
        if calendar.unit in _MONTHS:
            yield _after(calendar.start, steps * _MONTHS[calendar.unit])
        else:
            yield calendar.start + timedelta(days=steps * NOMINAL_DAYS[calendar.unit])


def _after(start: datetime, steps: int) -> datetime:
    """Return the same wall time so many months later, on the last day of a month that is too short."""
    years, month = divmod(start.month - 1 + steps, 12)
    last = months.monthrange(start.year + years, month + 1)[1]
    return start.replace(year=start.year + years, month=month + 1, day=min(start.day, last))


def _runs(points: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return where each run of windows of one length begins, and that length."""
    found: list[tuple[int, int]] = []
    for before, after in pairwise(points):
        if not found or found[-1][1] != after - before:
            found.append((before, after - before))
    return found


def _stepwise(points: Iterable[tuple[int, int]]) -> str:
    """Return PromQL of a value that changes at instants: the first value, and each change from its instant on."""
    (_, first), *rest = points
    text, value = str(first), first
    for at, following in rest:
        change = following - value
        text += f" {'-' if change < 0 else '+'} {abs(change)} * (time() >= bool {at})"
        value = following
    return text
