"""Half of the readers read the other language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.conventions import runbook_path
from bongsu.core.diagnostics import Problem, Severity
from bongsu.runbooks.model import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "runbook/untranslated"
SEVERITY = Severity.WARNING


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each runbook that does not exist in every language."""
    present = {(runbook.alert, runbook.language) for runbook in catalogue.runbooks}
    for runbook in catalogue.runbooks:
        for language in LANGUAGES:
            if (runbook.alert, language) not in present:
                yield Problem(
                    CODE,
                    SEVERITY,
                    runbook.span,
                    f"the runbook of {runbook.alert} is missing in language {language}",
                    "the on-call engineers read Korean and English",
                    f"write {runbook_path(runbook.alert, language)} with the same step blocks",
                )
