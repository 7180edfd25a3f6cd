"""The starts of a calendar's windows are computed for three years: after them the budget is absent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity
from bongsu.slo.calendar import YEARS, end

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "slo/calendar-end"
SEVERITY = Severity.WARNING
_AHEAD = timedelta(days=182)


def today() -> datetime:
    """Return the present: the one thing a check does not read from a file."""
    return datetime.now(UTC)


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each SLO whose computed windows end within half a year, or have ended."""
    for slo in catalogue.slos.slos:
        if slo.calendar and end(slo.calendar) - today() < _AHEAD:
            yield Problem(
                CODE,
                SEVERITY,
                slo.span,
                f"the calendar of {slo.name} is known until {end(slo.calendar):%Y-%m-%d}",
                f"its windows are computed for {YEARS} years from startTime; after them there is no budget to see",
                "move startTime forward by whole windows",
            )
