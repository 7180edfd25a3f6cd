"""Alerts that silence each other around in a circle are all silenced: nobody is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.alerts.dependencies import circle
from bongsu.core.diagnostics import Problem, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "inhibition/circular"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield one problem that names the circle, at the last dependency (or at the file for severities alone)."""
    routes = catalogue.alerts.routes
    if routes is None:
        return
    found = circle(routes.inhibitions, routes.dependencies, catalogue.service_of())
    if found:
        named = {part for kind in found for part in (kind.name, kind.service)} - {""}
        places = [one.span for one in routes.dependencies if named & {one.service, *one.alerts, *one.on}]
        yield Problem(
            CODE,
            SEVERITY,
            places[-1] if places else Span(routes.file),
            f"these silence each other: {' -> '.join(str(kind) for kind in found)}",
            "Alertmanager silences a target even when its source is silenced itself: all of them would be",
            "remove one of these dependencies or inhibitions",
        )
