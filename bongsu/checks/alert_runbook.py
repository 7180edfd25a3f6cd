"""An alert without a runbook wakes somebody and leaves them alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.conventions import runbook_path
from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "alert/runbook"
SEVERITY = Severity.WARNING


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each alert that no runbook answers; an explicit `runbook:` is alert/runbook-file's business."""
    answered = {runbook.alert for runbook in catalogue.runbooks if runbook.language == "en"}
    answered |= {alert.name for alert in catalogue.alerts.alerts if alert.runbook}
    answered |= {slo.alert for slo in catalogue.slos.slos if slo.runbook_url}
    for name, span in sorted(catalogue.alert_spans().items()):
        if name not in answered:
            yield Problem(
                CODE,
                SEVERITY,
                span,
                f"{name} has no runbook",
                "whoever it wakes must find out alone what to do",
                f"write {runbook_path(name)} and {runbook_path(name, 'ko')}",
            )
