"""A counter tells by how much it grows, a gauge by what it is: reading one as the other gives numbers of nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.checks.expressions import own_metrics, parseable, understood
from bongsu.core.diagnostics import Problem, Severity
from bongsu.core.promql import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue
    from bongsu.core.conventions import Metric
    from bongsu.core.promql import Selector, Token

CODE = "expr/counter"
SEVERITY = Severity.WARNING
_GROWTH = frozenset(("rate", "irate", "increase"))
_OPENED = tuple(f"{name}(" for name in sorted(_GROWTH))
_ANY = frozenset((
    "resets", "changes", "absent", "absent_over_time", "present_over_time", "count_over_time", "timestamp", "count",
    "group", "delta", "idelta", "deriv", "last_over_time", "label_replace", "label_join",
))  # fmt: skip
"""Functions that say something true of a counter as well."""
_PRESENCE = frozenset(("unless", "and"))


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each of our counters that no function of growth reads, and each of our gauges that one does."""
    metrics = own_metrics()
    for expression in catalogue.expressions():
        for selector in understood(expression.text)[1] if expression.text else ():
            metric = metrics.get(selector.name)
            grows = expression.text[: selector.offset].endswith(_OPENED)
            if metric is None or (grows and metric.kind != "gauge"):
                continue
            found = _wrong(selector, metric, _functions(parseable(expression.text)).get(selector.offset, frozenset()))
            if found:
                place = catalogue.place(expression, selector.offset, len(selector.name))
                yield Problem(CODE, SEVERITY, place, *found)


def _wrong(selector: Selector, metric: Metric, around: frozenset[str]) -> tuple[str, str, str] | None:
    """Return what is wrong with a selector in these functions, why, and what to write instead."""
    if metric.kind == "gauge" and around & _GROWTH:
        what = f"{selector.name} is a gauge, and {min(around & _GROWTH)}() is for counters"
        why = "each time it falls counts as a restart from 0: the result is larger than any change was"
        return what, why, "use delta(), deriv() or max_over_time()"
    if metric.kind != "gauge" and not around & (_GROWTH | _ANY | _PRESENCE):
        what = f"{selector.name} is a counter, and only its growth says something"
        why = "it falls to 0 with each restart, and its height depends on how long the process has run"
        return what, why, f"write rate({selector.name}[...]) or increase()"
    return None


def _functions(text: str) -> dict[int, frozenset[str]]:
    """Return offset of a word to the functions it stands in; a text with `and` or `unless` may ask for presence."""
    parts = words(text)
    sets = frozenset(token.text.lower() for token in parts) & _PRESENCE
    stack: list[str] = []
    found = {}
    for i, token in enumerate(parts):
        if token.text == "(":
            before = parts[i - 1] if i else None
            stack.append(before.text.lower() if before and before.kind == "name" else _aggregation(parts, i))
        elif token.text == ")" and stack:
            stack.pop()
        elif token.kind == "name":
            found[token.offset] = frozenset(stack) | sets
    return found


def _aggregation(parts: list[Token], i: int) -> str:
    """Return the aggregation of `count by (l) (` at its second parenthesis, or nothing."""
    depth = 0
    for at in range(i - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(parts[at].text, 0)
        if depth == 0:
            return parts[at - 2].text.lower() if at > 1 and parts[at].text == "(" else ""
    return ""
