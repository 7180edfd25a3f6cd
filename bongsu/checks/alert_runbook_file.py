"""A runbook that is named and does not exist is a dead link at 3 a.m."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "alert/runbook-file"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each alert whose explicit `runbook:` names no file of the runbook catalogue."""
    files = sorted(runbook.file for runbook in catalogue.runbooks)
    for alert in catalogue.alerts.alerts:
        if alert.runbook and alert.runbook_span and alert.runbook not in files:
            near = difflib.get_close_matches(alert.runbook, files, 1)
            yield Problem(
                CODE,
                SEVERITY,
                alert.runbook_span,
                f"{alert.name}: there is no file {alert.runbook}",
                "the link in the notification would lead nowhere",
                f"did you mean {near[0]}?" if near else "write the file, or drop `runbook:` to use the default name",
            )
