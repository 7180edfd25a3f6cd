"""Outside its times a route tells nobody: at every moment some route must."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.alerts.coverage import gap, heard
from bongsu.core.conventions import SEVERITIES
from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "route/gap"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each severity that, for some service, nobody hears at some moment; one problem a set of routes."""
    routes = catalogue.alerts.routes
    if routes is None:
        return
    services = ["", *(service.name for service in catalogue.slos.services)]
    seen = set()
    for severity in SEVERITIES:
        for service in services:
            visited = tuple(heard(routes.routes, severity, service))
            if not visited or visited in seen:
                continue
            seen.add(visited)
            moment = gap(routes, severity, service)
            if moment is not None:
                of = f" of {service}" if service else ""
                yield Problem(
                    CODE,
                    SEVERITY,
                    visited[-1].span,
                    f"nobody hears {severity} alerts{of} at {moment:%a %Y-%m-%d %H:%M} UTC",
                    "what fires and ends while its routes are muted is never told",
                    f"add a route of {severity} without times, or one that mutes what this one is active in",
                )
