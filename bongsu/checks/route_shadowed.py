"""A route behind one that keeps all its alerts is never reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.alerts.coverage import shadow
from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "route/shadowed"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each route whose alerts all end at earlier routes without times."""
    routes = catalogue.alerts.routes.routes if catalogue.alerts.routes else ()
    for route in routes:
        earlier = shadow(routes, route)
        if earlier is not None:
            yield Problem(
                CODE,
                SEVERITY,
                route.span,
                f"no alert reaches this route to {route.receiver}",
                f"the route to {earlier.receiver} on line {earlier.span.line} keeps them all: it has no times",
                "move it before that route",
            )
