"""An interval in which no moment lies, or a route whose times leave none, tells nobody ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.alerts.coverage import never, never_begins
from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "route/never-active"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each interval that never begins, and each route that is muted at every moment."""
    routes = catalogue.alerts.routes
    if routes is None:
        return
    empty = [interval for interval in routes.intervals if never_begins(interval)]
    for interval in empty:
        yield Problem(
            CODE,
            SEVERITY,
            interval.span,
            f"no moment of any year lies in {interval.name}",
            "Alertmanager accepts it and the routes that name it tell nobody, or are never muted",
            "correct its days of the month or its months",
        )
    names = {interval.name for interval in empty}
    for route in routes.routes:
        if route.timed and not names & {*route.active, *route.mute} and never(routes, route):
            yield Problem(
                CODE,
                SEVERITY,
                route.span,
                f"the route to {route.receiver} tells nobody at any moment",
                "what it is active in is muted as a whole",
                "correct `active` and `mute`",
            )
