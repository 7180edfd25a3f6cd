"""Which labels of an author the rules of an SLO carry: names that Prometheus has and that we do not set ourselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bongsu.core import conventions as names
from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.core.diagnostics import Span

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_THEIRS = ("__", "sloth_")
"""How Prometheus' own names begin, and those by which an SLO's series are found."""
_SET = frozenset((names.LABEL_EVENTS, names.LABEL_REASON, names.LABEL_ALERT, "alertstate"))
_ROUTING = frozenset(
    (
        names.LABEL_SEVERITY,
        names.LABEL_SERVICE,
        names.LABEL_RULE,
        names.LABEL_TIER,
        names.LABEL_LONG,
        names.LABEL_SHORT,
    )
)


def harmless(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels without those that would make one series of two, or hide an SLO's series from its alerts."""
    return {name: value for name, value in labels.items() if not _decides(name)}


def rule_labels(labels: Mapping[str, tuple[Span, list[str]]]) -> tuple[dict[str, str], list[Problem]]:
    """Return the labels of an OpenSLO document that rules can carry, and a warning for each other one.

    `labels` are their places and values. OpenSLO allows them all, so none is an error.
    """
    taken: dict[str, str] = {}
    problems = []
    for name, (span, values) in labels.items():
        if said := _refused(name, values):
            what, fix = said
            why = "rules and alerts would lack it without a word"
            problems.append(Problem("spec/no-effect", Severity.WARNING, span, f"the label {what}", why, fix))
        else:
            taken[name] = values[0]
    return taken, problems


def _refused(name: str, values: list[str]) -> tuple[str, str] | None:
    """Return why a label is not taken and what to do; None when it is."""
    if not _NAME.fullmatch(name):
        return f"{name} is not taken: Prometheus has no such name", f"write {re.sub('[^a-zA-Z0-9_]', '_', name)}"
    if _decides(name) or name in _ROUTING:
        return f"{name} is not taken: the rules set one of their own", "rename it, or remove it"
    if len(values) != 1:
        return f"{name} is not taken: it has {len(values)} values, and a series has one", "write one text"
    if not values[0]:
        return f"{name} is not taken: to Prometheus an empty label is none", "give it a value, or remove it"
    if "{{" in values[0]:
        return f"{name} is not taken: alerts would fill its template, series would not", "write a plain text"
    return None


def _decides(name: str) -> bool:
    return name in _SET or name.startswith(_THEIRS)
