"""A runbook that declares to heal and acts on nothing promises what it cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity
from bongsu.runbooks.model import ActionStep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "runbook/heals-nothing"
SEVERITY = Severity.WARNING


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each runbook that declares `heals` without an action under Act."""
    for runbook in catalogue.runbooks:
        if runbook.declares == "heals" and not any(isinstance(step, ActionStep) for step in runbook.of("Act")):
            yield Problem(
                CODE,
                SEVERITY,
                runbook.span,
                f"{runbook.alert} declares heals and has no action under Act",
                "a proof would wait in vain for the alert to clear",
                "add an action step, or declare contains or escalates",
            )
