"""A severity without a route ends at the default receiver, whoever that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity
from bongsu.slo import absence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "alert/route"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each level or tier whose severity and service no route takes."""
    routes = catalogue.alerts.routes
    if routes is None:
        return
    used = [
        (level.severity, alert.service, alert.name, level.span)
        for alert in catalogue.alerts.alerts
        for level in alert.levels
    ]
    for slo in catalogue.slos.slos:
        if slo.id in catalogue.slos.windows:
            used += [(tier.severity, slo.service, slo.alert, slo.alert_span) for tier in catalogue.slos.tiers(slo)]
    used += [
        (absence.SEVERITY, service, absence.NAME, span) for service, span in absence.services(catalogue.slos).items()
    ]
    taken = {pair: routes.of(*pair) is not None for pair in {(severity, service) for severity, service, _, _ in used}}
    for severity, service, name, span in used:
        if not taken[severity, service]:
            yield Problem(
                CODE,
                SEVERITY,
                span,
                f"{name}: no route for severity {severity}",
                f"it would end at the default receiver {routes.default}",
                f"add a route with `severity: {severity}` to {routes.file}",
            )
