"""A board that refers to nothing shows a gap where somebody expects a graph."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity
from bongsu.dashboards.model import AlertRef, SloRef
from bongsu.slo import absence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "dashboard/reference"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each `slo:` and `alert:` that names nothing declared."""
    folders = catalogue.manifest.catalogues
    if catalogue.unread(folders.slo, folders.alerts):
        return  # what is missing may stand in the file that cannot be read
    slos = {slo.name for slo in catalogue.slos.slos}
    alerts = {alert.name for alert in catalogue.alerts.alerts}
    alerts |= {absence.NAME} if absence.alarmed(catalogue.slos) else set()
    burning = {slo.alert: slo.name for slo in catalogue.slos.slos}
    for item in (item for dashboard in catalogue.dashboards for row in dashboard.rows for item in row.items):
        if isinstance(item, AlertRef) and item.name not in alerts:
            what, known = f"no alert {item.name!r} is declared", alerts
        elif isinstance(item, SloRef) and item.name not in slos:
            what, known = f"no SLO {item.name!r} is declared", slos
        else:
            continue
        near = difflib.get_close_matches(item.name, sorted(known), 1)
        if item.name in burning:
            fix = f"its panel comes with `slo: {burning[item.name]}`"
        else:
            fix = f"did you mean {near[0]!r}?" if near else "remove the line or declare what it names"
        yield Problem(CODE, SEVERITY, item.span, what, "the panel would be missing", fix)
