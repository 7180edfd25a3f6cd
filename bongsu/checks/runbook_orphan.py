"""A runbook of no alert is found by nobody and rots unnoticed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "runbook/orphan"
SEVERITY = Severity.WARNING


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each runbook that no alert names or is named like."""
    folders = catalogue.manifest.catalogues
    if catalogue.unread(folders.slo, folders.alerts):
        return  # what is missing may stand in the file that cannot be read
    alerts = catalogue.alert_spans()
    explicit = {alert.runbook for alert in catalogue.alerts.alerts}
    for runbook in catalogue.runbooks:
        if runbook.alert not in alerts and runbook.file not in explicit:
            near = difflib.get_close_matches(runbook.alert, sorted(alerts), 1)
            yield Problem(
                CODE,
                SEVERITY,
                runbook.span,
                f"no alert is named {runbook.alert}",
                "nobody is ever sent to this runbook",
                f"did you mean {near[0]}?" if near else "delete it, or declare the alert",
            )
