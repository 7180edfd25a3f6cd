"""Two alerts of one name share runbook, panel and proof: one of them is not what it seems."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity
from bongsu.slo.absence import NAME as ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue
    from bongsu.core.diagnostics import Span

CODE = "alert/duplicate"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield every alert name after its first declaration, over all files, SLOs included; and what we name ourselves."""
    spans: dict[str, list[Span]] = defaultdict(list)
    for alert in catalogue.alerts.alerts:
        spans[alert.name].append(alert.span)
    for slo in catalogue.slos.slos:
        spans[slo.alert].append(slo.alert_span)
    for span in spans.pop(ABSENT, ()):
        what = f"{ABSENT} is the name of the alert that every SLO has for the absence of its data"
        yield Problem(CODE, SEVERITY, span, what, "two alerts of one name share runbook, panel and proof", "rename it")
    for name, declared in sorted(spans.items()):
        first, *others = sorted(declared)
        for span in others if name else ():
            yield Problem(
                CODE,
                SEVERITY,
                span,
                f"{name} is declared twice, first at {first}",
                "rule file, runbook, panel and proof are found by this name",
                "give one of them another name",
            )
