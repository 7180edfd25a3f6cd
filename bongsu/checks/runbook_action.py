"""A step that calls what does not exist fails while the system is down."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity
from bongsu.core.manifest import FILE
from bongsu.runbooks.model import ActionStep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bongsu.checks.model import Catalogue
    from bongsu.core.manifest import Action

CODE = "runbook/action"
SEVERITY = Severity.ERROR
_WHY = "the step would fail while the system is down"


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each action step that names no action of the manifest, or calls one with wrong arguments."""
    if any(problem.span.file == FILE for problem in catalogue.problems):
        return  # the actions of a broken manifest are not all known
    for runbook in catalogue.runbooks:
        for step in runbook.steps:
            if isinstance(step, ActionStep) and step.action:
                yield from _step(step, catalogue.manifest.actions)


def _step(step: ActionStep, actions: Mapping[str, Action]) -> Iterator[Problem]:
    action = actions.get(step.action)
    if action is None:
        near = difflib.get_close_matches(step.action, sorted(actions), 1)
        hint = f"did you mean {near[0]}?" if near else f"actions: {', '.join(sorted(actions)) or 'none'}"
        yield Problem(CODE, SEVERITY, step.span, f"the manifest has no action {step.action!r}", _WHY, hint)
        return
    known = ", ".join(action.arguments) or "none"
    for name in sorted(set(step.arguments) ^ set(action.arguments)):
        what = "is missing" if name in action.arguments else "is not an argument of it"
        yield Problem(CODE, SEVERITY, step.span, f"{step.action}: {name} {what}", _WHY, f"arguments: {known}")
    for name in sorted(set(step.arguments) & set(action.arguments)):
        complaint = action.arguments[name].complaint(step.arguments[name])
        if complaint:
            what = f"{step.action}: argument {name}: {complaint}"
            yield Problem(CODE, SEVERITY, step.span, what, _WHY, "write a value the manifest allows")
