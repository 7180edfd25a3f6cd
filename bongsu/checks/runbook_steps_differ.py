"""The Korean reader must do exactly what the English one does."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue
    from bongsu.runbooks.model import Runbook

CODE = "runbook/steps-differ"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield, per translation, the first step or declaration that differs from the English runbook."""
    broken = {p.span.file for p in catalogue.problems if p.severity is Severity.ERROR}
    english = {runbook.alert: runbook for runbook in catalogue.runbooks if runbook.language == "en"}
    for runbook in catalogue.runbooks:
        original = english.get(runbook.alert)
        if original and runbook.language != "en" and not broken & {original.file, runbook.file}:
            yield from _compared(original, runbook)


def _compared(original: Runbook, translated: Runbook) -> Iterator[Problem]:
    why = "two people would do two things, and only one of them was proved"
    fix = f"make it the same as in {original.file}"
    if (original.declares, original.experiment) != (translated.declares, translated.experiment):
        what = f"the front matter differs from {original.file}"
        yield Problem(CODE, SEVERITY, translated.span, what, why, fix)
    for number, (one, other) in enumerate(zip_longest(original.steps, translated.steps), start=1):
        if one is None or other is None or one.identity() != other.identity():
            span = other.span if other is not None else translated.span
            what = f"step {number} differs from {original.file}" if one is not None else f"step {number} is extra"
            yield Problem(CODE, SEVERITY, span, what if other is not None else f"step {number} is missing", why, fix)
            return
