"""Who hears an alert when: routes that nobody reaches, and hours at which nobody is told.

An alert visits the routes that match it in order, up to and including the first without times (see alertmanager.py).
"""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bongsu.alerts.intervals import Interval
    from bongsu.alerts.model import Route, Routes

_NAMES = 10
"""Up to so many interval names are first judged by logic alone: 2^10 cases."""


def heard(routes: Sequence[Route], severity: str, service: str) -> list[Route]:
    """Return the routes an alert visits, in order."""
    found = []
    for route in routes:
        if route.takes(severity, service):
            found.append(route)
            if not route.timed:
                break
    return found


def shadow(routes: Sequence[Route], route: Route) -> Route | None:
    """Return the earlier route that keeps every alert of this one, or None when some reach it."""
    earlier = [one for one in itertools.takewhile(lambda one: one is not route, routes) if not one.timed]
    earlier = [one for one in earlier if one.severity == route.severity]
    for one in earlier:
        if not one.services or (route.services and set(route.services) <= set(one.services)):
            return one
    taken = {service for one in earlier for service in one.services}
    return earlier[-1] if route.services and set(route.services) <= taken else None


def gap(routes: Routes, severity: str, service: str) -> datetime | None:
    """Return a moment at which no route tells of such an alert; None when somebody always does, or no route matches."""
    found = heard(routes.routes, severity, service)
    if not found or not found[-1].timed:
        return None
    names = sorted({name for route in found for name in (*route.active, *route.mute)})
    if len(names) <= _NAMES and all(
        any(_tells(route, dict(zip(names, case, strict=True))) for route in found)
        for case in itertools.product((False, True), repeat=len(names))
    ):
        return None
    intervals = [interval for interval in routes.intervals if interval.name in names]
    for moment in moments(intervals):
        inside = {interval.name: interval.contains(moment) for interval in intervals}
        if not any(_tells(route, inside) for route in found):
            return moment
    return None


def never(routes: Routes, route: Route) -> bool:
    """Tell whether there is no moment at which a route tells anybody."""
    intervals = [interval for interval in routes.intervals if interval.name in (*route.active, *route.mute)]
    return not any(
        _tells(route, {interval.name: interval.contains(moment) for interval in intervals})
        for moment in moments(intervals)
    )


def never_begins(interval: Interval) -> bool:
    """Tell whether no moment lies inside, as of the 30th of February."""
    return not any(interval.contains(moment) for moment in moments([interval]))


def _tells(route: Route, inside: Mapping[str, bool]) -> bool:
    return (not route.active or any(inside.get(name, False) for name in route.active)) and not any(
        inside.get(name, False) for name in route.mute
    )


def moments(intervals: Sequence[Interval]) -> Iterator[datetime]:
    """Yield every moment at which one of them may begin or end, in a year of each of the 14 kinds.

    A kind is the weekday of the first of January and whether there is a 29th of February: nothing else tells years
    apart for weekdays, days of the month and months.
    """
    zones = {interval.zone for interval in intervals} or {"UTC"}
    minutes = sorted({minute for interval in intervals for minute in interval.edges()} or {0})
    for year in _years():
        day = date(year, 1, 1)
        while day.year == year:
            for zone in sorted(zones):
                for minute in minutes:
                    local = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=ZoneInfo(zone))
                    yield local.astimezone(UTC)
            day += timedelta(days=1)


@cache
def _years() -> tuple[int, ...]:
    found: dict[tuple[int, int], int] = {}
    for year in range(2027, 2055):
        found.setdefault((date(year, 1, 1).weekday(), date(year, 12, 31).timetuple().tm_yday), year)
    return tuple(found.values())
