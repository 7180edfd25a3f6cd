"""Maintenance on the calendar: a small document of ours (OpenSLO has none) that SLOs name in an annotation.

apiVersion: bongsu/v1
kind: Maintenance
metadata: {name: sunday-night}
spec:
  timeZone: Asia/Seoul
  since: 2026-01-01 00:00:00       # changes of the clock are known for three years from here
  weekly:
    - {days: [sunday], from: "02:00", until: "04:00"}
  once:
    - {from: 2026-12-24 22:00:00, until: 2026-12-25 02:00:00}
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bongsu.core.yaml import Reader
from bongsu.slo.calendar import offset_expr
from bongsu.slo.documents import Library, described
from bongsu.slo.load_window import read_wall, read_zone
from bongsu.slo.model import Exclusion

if TYPE_CHECKING:
    from datetime import datetime

    from bongsu.core.yaml import Node

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY, _WEEK = 86400, 7 * 86400
_MONDAY = 3 * _DAY
"""The epoch was a Thursday: three days later than a Monday."""
_CLOCK = re.compile(r"^([01][0-9]|2[0-3]):([0-5][0-9])\Z|^24:00\Z")


def read_maintenance(spec: Reader, _: Library, __: str) -> tuple[Exclusion, ...]:
    """Return the windows of a Maintenance document."""
    described(spec)
    zone, since = read_zone(spec, "timeZone"), read_wall(spec, "since")
    weekly, once = spec.sequence("weekly", required=False), spec.sequence("once", required=False)
    if not weekly and not once:
        what = "no time is excluded"
        spec.fail("spec/value", spec.node.span, what, "add `weekly:` or `once:`", "it looks armed and is not")
    found = [_once(Reader(node, spec.problems, "once"), zone) for node in once]
    for node in weekly:
        found += _weekly(node, spec, zone, since)
    return tuple(Exclusion(expr) for expr in found if expr)


def _once(reader: Reader, zone: str) -> str:
    first, last = read_wall(reader, "from"), read_wall(reader, "until")
    reader.done()
    if not (first and last and zone):
        return ""
    begin, stop = (round(wall.replace(tzinfo=ZoneInfo(zone)).timestamp()) for wall in (first, last))
    if begin >= stop:
        reader.fail("spec/value", reader.span("until"), "it ends before it begins", "swap them")
    return f"(vector(time()) >= {begin}) < {stop}"


def _weekly(node: Node, spec: Reader, zone: str, since: datetime | None) -> list[str]:
    reader = Reader(node, spec.problems, "weekly")
    days = reader.texts("days")
    for unknown in (day for day in days if day not in _DAYS):
        what = f"{unknown!r} is not a day of the week"
        reader.fail("spec/value", reader.span("days"), what, f"use {', '.join(_DAYS)}")
    first, last = _clock(reader, "from"), _clock(reader, "until")
    reader.done()
    if first is None or last is None or not zone or since is None:
        return []
    if first == last:
        reader.fail("spec/value", reader.span("until"), "it is empty", "write when it ends")
    local = f"((vector(time()) + {offset_expr(zone, since)} + {_MONDAY}) % {_WEEK})"
    found = []
    for day in sorted(_DAYS.index(name) for name in days if name in _DAYS):
        begin, stop = day * _DAY + first, day * _DAY + last + (_DAY if last <= first else 0)
        found.append(f"({local} >= {begin}) < {min(stop, _WEEK)}")
        if stop > _WEEK:  # from Sunday night into Monday
            found.append(f"{local} < {stop - _WEEK}")
    return found


def _clock(reader: Reader, key: str) -> int | None:
    text = reader.text(key)
    if not text:
        return None
    if not _CLOCK.match(text):
        reader.fail("spec/value", reader.span(key), f"{text!r} is not a time of the day", 'write it like "02:00"')
        return None
    return int(text[:2]) * 3600 + int(text[3:]) * 60
