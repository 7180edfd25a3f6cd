"""Two panels of one key have one id: a deep link opens either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.conventions import panel_id
from bongsu.core.diagnostics import Problem, Severity
from bongsu.dashboards.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue
    from bongsu.core.diagnostics import Span

CODE = "dashboard/duplicate"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each dashboard uid and, within a board, each panel id after its first use."""
    uids: dict[str, Span] = {}
    for dashboard in catalogue.dashboards:
        if dashboard.name in uids:
            yield _twice(f"dashboard {dashboard.name}", uids[dashboard.name], dashboard.span)
        uids.setdefault(dashboard.name, dashboard.span)
        ids: dict[int, Span] = {}
        for panel in resolve(dashboard, catalogue.slos, catalogue.alerts.alerts).panels():
            number = panel_id(panel.key)
            if number in ids:
                yield _twice(f"panel {panel.key}", ids[number], panel.span)
            ids.setdefault(number, panel.span)


def _twice(name: str, first: Span, again: Span) -> Problem:
    why = "links of notifications find it by this name"
    return Problem(CODE, SEVERITY, again, f"{name} stands twice, first at {first}", why, "remove or rename one")
