"""Named time intervals as Alertmanager 0.25 knows them: read, written, and asked whether a moment lies inside.

Source: https://prometheus.io/docs/alerting/latest/configuration/#time_interval-0 and timeinterval.go of 0.25: ranges
are inclusive, except the end of times; weeks begin on Sunday; days may count from the end of a month (-1 is the last).
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from bongsu.core.diagnostics import Span

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = tuple(name.lower() for name in calendar.month_name if name)
_TIME = re.compile(r"^([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})\Z")
_DAY_MINUTES, _LAST_DAY, _SHORTEST_MONTH = 24 * 60, 31, 28
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Interval:
    """Moments at which all of the fields hold; an empty field holds always. `zone` is an IANA name.

    `times` are minutes of the day (end excluded), `weekdays` count from 0 (Sunday), `months` from 1; inclusive.
    """

    name: str
    zone: str
    span: Span
    times: tuple[Range, ...] = ()
    weekdays: tuple[Range, ...] = ()
    days: tuple[Range, ...] = ()
    months: tuple[Range, ...] = ()

    def contains(self, moment: datetime) -> bool:
        """Tell whether an aware moment lies inside."""
        local = moment.astimezone(ZoneInfo(self.zone))
        minute = local.hour * 60 + local.minute
        return (
            (not self.times or any(start <= minute < end for start, end in self.times))
            and (not self.weekdays or _within(self.weekdays, local.isoweekday() % 7))
            and (not self.months or _within(self.months, local.month))
            and (not self.days or self._on_day(local.day, calendar.monthrange(local.year, local.month)[1]))
        )

    def _on_day(self, day: int, length: int) -> bool:
        for first, last in self.days:
            begin = first if first > 0 else length + first + 1
            end = last if last > 0 else length + last + 1
            if begin <= day <= end:
                return True
        return False

    def edges(self) -> set[int]:
        """Return the minutes of a day at which it may begin or end."""
        return {0} | {minute % _DAY_MINUTES for pair in self.times for minute in pair}


def _within(ranges: tuple[Range, ...], value: int) -> bool:
    return any(first <= value <= last for first, last in ranges)


def parse_time(text: str) -> Range:
    """Return the minutes of `09:00-18:00`; the end may be 24:00. Raise ValueError for anything else."""
    found = _TIME.match(text)
    if not found:
        raise ValueError(f"{text!r} is not a time range: write it like 09:00-18:00")
    hours, minutes, end_hours, end_minutes = (int(part) for part in found.groups())
    start, end = hours * 60 + minutes, end_hours * 60 + end_minutes
    if max(minutes, end_minutes) >= 60 or max(start, end) > _DAY_MINUTES:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(f"{text!r} is no time of a day")
    if start >= end:
        raise ValueError(f"{text!r} ends before it begins: across midnight write two, up to 24:00 and from 00:00")
    return start, end


def parse_weekday(text: str) -> Range:
    """Return the days of `monday:friday` or `monday`, counted from 0 (Sunday)."""
    first, last = _pair(text, lambda word: _word(word, WEEKDAYS, "a weekday"))
    if first > last:
        raise ValueError(f"{text!r} runs backwards: Alertmanager's week begins on Sunday, list the days one by one")
    return first, last


def parse_month(text: str) -> Range:
    """Return the months of `march:may`, `3:5` or `march`, counted from 1."""
    first, last = _pair(text, lambda word: int(word) if word in _NUMBERS else _word(word, MONTHS, "a month") + 1)
    if first > last:
        raise ValueError(f"{text!r} runs backwards: across the new year write two ranges")
    return first, last


_NUMBERS = frozenset(str(number) for number in range(1, 13))


def parse_day(text: str) -> Range:
    """Return the days of `1:5`, `-3:-1` (the last three) or `15`."""
    first, last = _pair(text, _day)
    if first < 0 < last:
        raise ValueError(f"{text!r} begins at the end of a month: its end must be negative too")
    if (first > 0) == (last > 0) and first > last:
        raise ValueError(f"{text!r} runs backwards")
    if first > 0 > last and first > _SHORTEST_MONTH + last:
        raise ValueError(f"{text!r} is empty in a short month and refused by Alertmanager: end it with a day up to 31")
    return first, last


def _day(word: str) -> int:
    if not re.match(r"^-?[0-9]{1,2}\Z", word) or not 1 <= abs(int(word)) <= _LAST_DAY:
        raise ValueError(f"{word!r} is no day of a month: write 1 to 31, or -1 for the last")
    return int(word)


def _pair(text: str, read: Callable[[str], int]) -> Range:
    first, _, last = text.partition(":")
    return read(first), read(last or first)


def _word(word: str, words: Sequence[str], what: str) -> int:
    if word not in words:
        raise ValueError(f"{word!r} is not {what}: use {', '.join(words)}")
    return words.index(word)


def compile_interval(interval: Interval) -> dict[str, object]:
    """Return the entry of `time_intervals` in Alertmanager's configuration."""
    fields: dict[str, list[object]] = {
        "times": [{"start_time": _clock(start), "end_time": _clock(end)} for start, end in interval.times],
        "weekdays": [_span(first, last, lambda n: WEEKDAYS[n]) for first, last in interval.weekdays],
        "days_of_month": [_span(first, last, str) for first, last in interval.days],
        "months": [_span(first, last, lambda n: MONTHS[n - 1]) for first, last in interval.months],
    }
    kept = {key: value for key, value in fields.items() if value}
    return {"name": interval.name, "time_intervals": [{**kept, "location": interval.zone}]}


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _span(first: int, last: int, word: Callable[[int], str]) -> str:
    return word(first) if first == last else f"{word(first)}:{word(last)}"
