"""A dependency on a name that nobody declares, or that never pages, silences nothing."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from bongsu.alerts.dependencies import CRITICAL, is_alert
from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "inhibition/unknown"
SEVERITY = Severity.ERROR


_SHOWN = 8


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each name in a dependency that is no declared service or alert, and each source without critical level."""
    routes, folders = catalogue.alerts.routes, catalogue.manifest.catalogues
    if routes is None or catalogue.unread(folders.slo, folders.alerts):
        return
    services = sorted(service.name for service in catalogue.slos.services)
    alerts = catalogue.service_of()
    paging = {alert.name for alert in catalogue.alerts.alerts if alert.levels and alert.levels[0].severity == CRITICAL}
    paging |= {
        slo.alert
        for slo in catalogue.slos.slos
        if slo.id in catalogue.slos.windows and any(t.severity == CRITICAL for t in catalogue.slos.tiers(slo))
    }
    for rule in routes.dependencies:
        for name in dict.fromkeys((*rule.on, *rule.alerts, *((rule.service,) if rule.service else ()))):
            known = sorted(alerts) if is_alert(name) else services
            near = difflib.get_close_matches(name, known, 1)
            if name not in known:
                what = f"no {'alert' if is_alert(name) else 'service'} {name!r} is declared"
                fix = f"did you mean {near[0]!r}?" if near else f"declared: {_some(known)}"
            elif name in rule.on and is_alert(name) and name not in paging:
                what = f"{name} has no {CRITICAL} level"
                fix = "name an alert that pages: a ticket must not silence what depends on it"
            else:
                continue
            yield Problem(CODE, SEVERITY, rule.span, what, "the dependency would silence nothing", fix)


def _some(known: list[str]) -> str:
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return (", ".join(known[:_SHOWN]) or "none") + more
