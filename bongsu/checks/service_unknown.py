"""A misspelt service gets a group, a page and a dashboard of its own that nobody looks at."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "service/unknown"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each SLO, alert and route whose service no document of kind Service declares."""
    folders = catalogue.manifest.catalogues
    if catalogue.unread(folders.slo):
        return  # what is missing may stand in the file that cannot be read
    known = {service.name for service in catalogue.slos.services}
    used = [(slo.service, slo.service_span) for slo in catalogue.slos.slos]
    used += [(alert.service, alert.service_span) for alert in catalogue.alerts.alerts]
    routes = catalogue.alerts.routes
    used += [(service, route.span) for route in (routes.routes if routes else ()) for service in route.services]
    for service, span in used:
        if service and service not in known:
            near = difflib.get_close_matches(service, sorted(known), 1)
            yield Problem(
                CODE,
                SEVERITY,
                span,
                f"no service {service!r} is declared",
                "alerts are grouped and dashboards are found by it",
                f"did you mean {near[0]!r}?" if near else "declare a Service of that name in the slo catalogue",
            )
