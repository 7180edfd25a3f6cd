"""Read the window of an SLO: rolling, or on the calendar of a time zone."""

from __future__ import annotations

import difflib
import re
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from bongsu.slo.calendar import NOMINAL_DAYS
from bongsu.slo.model import Calendar
from bongsu.slo.windows import period_problem

if TYPE_CHECKING:
    from bongsu.core.yaml import Reader

_SHORTHAND = re.compile(r"^([1-9][0-9]{0,3})([dwMQY])\Z")
_LONGEST_DAYS = 2 * 366
_FORMAT = "%Y-%m-%d %H:%M:%S"


def read_window(window: Reader) -> tuple[str, Calendar | None]:
    """Return the length of a window as a Prometheus duration, nominal on the calendar, and the calendar if any."""
    rolling = window.flag("isRolling", default=False if window.has("calendar") else None)
    duration = window.text("duration")
    if rolling and window.has("calendar"):
        window.get("calendar")
        what = "a window cannot roll on a calendar"
        window.fail("spec/value", window.span("calendar"), what, "remove `calendar`, or write isRolling: false")
    calendar = None
    if not rolling and (window.has("isRolling") or window.has("calendar")):
        calendar = _calendar(window, duration)
        period = _nominal(duration) if calendar else ""
    else:
        period = _nominal(duration) or duration
        if duration and (problem := period_problem(period)):
            window.fail("spec/value", window.span("duration"), problem, "write a day or more, such as 7d, 28d or 30d")
    window.done()
    return period, calendar


def _nominal(duration: str) -> str:
    """Return months, quarters and years in days, which Prometheus does not know; anything else stands for itself."""
    found = _SHORTHAND.match(duration)
    return f"{int(found[1]) * NOMINAL_DAYS[found[2]]}d" if found and found[2] in "MQY" else duration


def _calendar(window: Reader, duration: str) -> Calendar | None:
    if not window.has("calendar"):
        what = "a window that does not roll needs a `calendar`"
        window.fail("spec/value", window.node.span, what, "write isRolling: true, or add calendar:")
        return None
    inner = window.mapping("calendar")
    start, zone = read_wall(inner, "startTime"), read_zone(inner, "timeZone")
    inner.done()
    found = _SHORTHAND.match(duration)
    if duration and not (found and int(found[1]) * NOMINAL_DAYS[found[2]] <= _LONGEST_DAYS):
        what = f"{duration!r} is no length on a calendar"
        window.fail("spec/value", window.span("duration"), what, "write 1d, 1w, 1M, 1Q or 1Y (2 years at most)")
        return None
    return Calendar(int(found[1]), found[2], start, zone) if found and start and zone else None


def read_wall(reader: Reader, key: str) -> datetime | None:
    """Return a wall time without a zone."""
    text = reader.text(key)
    try:
        found = datetime.strptime(text, _FORMAT)  # noqa: DTZ007 - OpenSLO keeps the zone in a field of its own
    except ValueError:
        found = None
    if text and (found is None or not 1970 <= found.year < 2200):  # noqa: PLR2004 - what Unix seconds and zones hold
        what = f"{text!r} is not a time of this age"
        reader.fail("spec/value", reader.span(key), what, "write it like 2026-01-01 00:00:00")
        return None
    return found


def read_zone(reader: Reader, key: str) -> str:
    """Return the name of a time zone of the IANA database."""
    name = reader.text(key)
    if not name:
        return ""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        near = difflib.get_close_matches(name, sorted(available_timezones()), 1)
        hint = f"did you mean {near[0]}?" if near else "use a name of the IANA database, such as Asia/Seoul or UTC"
        reader.fail("spec/value", reader.span(key), f"there is no time zone {name!r}", hint)
        return ""
    return name
