"""Turn Sloth's SLOs into ours, so that our compiler fits tiers to them, counts events and floors low traffic."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from bongsu.core.conventions import SEVERITIES
from bongsu.core.promql import Expression
from bongsu.slo.labels import harmless
from bongsu.slo.model import Indicator, Ratio, Raw, Service, Slo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bongsu.slo.sloth.model import Alert, Document, SlothSlo

PERIOD = "30d"
"""Sloth's default period; its documents of the first two spellings cannot say another."""
CRITICAL, WARNING = SEVERITIES[:2]
_RUNBOOKS = ("runbook_url", "runbook")
_HUNDRED = 100


def to_slo(slo: SlothSlo, spec: str) -> Slo:
    """Return an SLO of ours; pages are critical, tickets are warnings, a disabled one has no tiers."""
    levels = {severity: alert for severity, alert in ((CRITICAL, slo.page), (WARNING, slo.ticket)) if alert is not None}
    return Slo(
        service=slo.service,
        name=slo.name,
        title=slo.name,
        title_ko=slo.name,
        alert=slo.alert if levels else "",
        objective=float(Decimal(repr(slo.objective)) / _HUNDRED),
        period=slo.period or PERIOD,
        indicator=_indicator(slo),
        span=slo.span,
        objective_span=slo.objective_span,
        service_span=slo.service_span,
        alert_span=slo.alert_span,
        events=0 if slo.sli.ratio is not None else None,
        spec=spec,
        labels=harmless(slo.labels),
        runbook_url=_runbook(levels),
        silent=tuple(severity for severity in (CRITICAL, WARNING) if severity not in levels),
        alert_labels={severity: harmless(alert.labels) for severity, alert in levels.items()},
        alert_annotations={severity: alert.annotations for severity, alert in levels.items()},
    )


def services_of(documents: Iterable[Document], declared: Iterable[Service]) -> list[Service]:
    """Return the services that only Sloth documents name: those have no document of kind Service."""
    known = {service.name for service in declared}
    found: dict[str, Service] = {}
    for document in documents:
        for slo in document.slos:
            if slo.service and slo.service not in known:
                found.setdefault(slo.service, Service(slo.service, slo.service, slo.service_span))
    return list(found.values())


def _indicator(slo: SlothSlo) -> Indicator:
    if slo.sli.ratio is not None:
        return Raw(slo.sli.ratio, success=False)
    return Ratio(slo.sli.total or Expression("", slo.span), slo.sli.error, slo.sli.good)


def _runbook(levels: Mapping[str, Alert]) -> str:
    """Return the first runbook that an annotation names, the page's before the ticket's; empty when none does."""
    found = (alert.annotations.get(key, "") for alert in levels.values() for key in _RUNBOOKS)
    return next((text for text in found if text), "")
