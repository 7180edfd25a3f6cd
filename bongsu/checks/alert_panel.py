"""A notification links the panel of its alert; without one the link opens an empty page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.conventions import dashboard_uid
from bongsu.core.diagnostics import Problem, Severity
from bongsu.dashboards.resolve import resolve
from bongsu.slo import absence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "alert/panel"
SEVERITY = Severity.WARNING


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each alert that the dashboard of its service does not draw."""
    boards = [resolve(d, catalogue.slos, catalogue.alerts.alerts) for d in catalogue.dashboards]
    drawn = {(board.uid, panel.key) for board in boards for panel in board.panels()}
    known = {service.name for service in catalogue.slos.services}
    alerts = [(a.service, a.name, a.span, "alert", a.name) for a in catalogue.alerts.alerts]
    alerts += [
        (slo.service, slo.alert, slo.alert_span, "slo", slo.name)
        for slo in catalogue.slos.slos
        if slo.id in catalogue.slos.windows
    ]
    alerts += [
        (service, absence.NAME, span, "alert", absence.NAME)
        for service, span in absence.services(catalogue.slos).items()
    ]
    for service, name, span, kind, reference in sorted(alerts, key=lambda found: found[2]):
        if name and service in known and (dashboard_uid(service), name) not in drawn:
            yield Problem(
                CODE,
                SEVERITY,
                span,
                f"the dashboard {dashboard_uid(service)} has no panel for {name}",
                "the panel link in its notifications would open nothing",
                f"add `- {kind}: {reference}` to a row of that dashboard",
            )
