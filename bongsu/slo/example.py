"""Find series that make an SLO's queries see one good and one bad event: what its replays feed to promtool.

A replay needs samples of the system's own metrics. They follow from the queries alone: each selector says which labels
it wants, and an event is the set of series that it increments. Works for sums, differences and quotients of
`sum(rate(selector[{{.window}}]))`; for anything else there is no example, and the replays start at the recorded rates.
"""

from __future__ import annotations

import ast
import operator
import re
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from bongsu.core.promql import WINDOW, Selector, bare, closing, selectors, words
from bongsu.core.series import OTHER, Series, candidates, matches
from bongsu.slo.model import Ratio, queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bongsu.slo.model import Slo

_MOST_SERIES = 6
_FUNCTIONS = ("rate", "increase")
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True, slots=True)
class Example:
    """The counters that a good event increments, and those of a bad one; decoys are close to them and count nothing."""

    good: tuple[Series, ...]
    bad: tuple[Series, ...]
    decoys: tuple[Series, ...] = ()
    by: tuple[str, ...] = ()
    """The labels the queries group by."""


def example(slo: Slo) -> Example | None:
    """Return counters for one good and one bad event, or None when the queries are not sums of rates."""
    ratio = slo.indicator
    if not isinstance(ratio, Ratio) or not ratio.counter or slo.exclusions:
        return None
    wanted = [one for query in queries(ratio) for one in selectors(bare(query.text))]
    found = list(candidates(wanted))
    if not found or len(found) > _MOST_SERIES:
        return None
    subsets = [chosen for size in range(1, len(found) + 1) for chosen in combinations(found, size)]
    try:
        good = next((chosen for chosen in subsets if _seen(ratio, chosen) == (0.0, 1.0)), None)
        bad = next((chosen for chosen in subsets if _seen(ratio, chosen) == (1.0, 1.0)), None)
        groups = {_by(bare(query.text)) for query in queries(ratio)}
    except ValueError:
        return None
    by = next(iter(groups))
    if not good or not bad or len(groups) > 1 or "instance" in by or shared(by, (*good, *bad)) is None:
        return None
    return Example(good, bad, tuple(_decoys((*good, *bad), wanted)), by)


def shared(by: Iterable[str], series: Iterable[Series]) -> dict[str, str] | None:
    """Return the labels of that one group all series are in; None when they are in several."""
    groups = {tuple((label, dict(one.labels).get(label, "")) for label in by) for one in series}
    return {label: value for label, value in groups.pop() if value} if len(groups) == 1 else None


def _by(query: str) -> tuple[str, ...]:
    """Return the labels that the sums of a query group by; raise ValueError where they differ."""
    found = {tuple(re.findall(r"\w+", inner)) for inner in re.findall(r"\bsum\s+by\s*\(([^)]*)\)", query)}
    if len(found) > 1 or re.search(r"\bwithout\b", query):
        raise ValueError(f"{query!r} groups by more than one set of labels")
    return next(iter(found), ())


def _decoys(counted: Iterable[Series], wanted: list[Selector]) -> Iterable[Series]:
    """Yield series that differ from a counted one in one label and that no selector wants."""
    near = (
        Series(series.name, tuple((name, OTHER if name == label else value) for name, value in series.labels))
        for series in counted
        for label, _ in series.labels
    )
    for series in dict.fromkeys(near):
        if not any(matches(series, selector) for selector in wanted):
            yield series


def _seen(ratio: Ratio, incremented: tuple[Series, ...]) -> tuple[float, float]:
    """Return the bad and total events that the queries see when these counters each count one."""
    total = _value(bare(ratio.total.text), incremented)
    if ratio.bad is not None:
        return _value(bare(ratio.bad.text), incremented), total
    good = _value(bare(ratio.good.text), incremented) if ratio.good is not None else 0.0
    return total - good, total


def _value(query: str, incremented: tuple[Series, ...]) -> float:
    """Return what a query counts; raise ValueError for one that is not arithmetic over sums of rates."""
    parts = words(query)
    text, i = "", 0
    while i < len(parts):
        token = parts[i]
        if token.text == "sum":
            last, selector = _sum(query, parts, i)
            text += repr(float(sum(matches(series, selector) for series in incremented)))
            i = last + 1
        elif token.kind == "number" or token.text in "()+-*/":
            text, i = text + token.text, i + 1
        else:
            raise ValueError(f"{token.text!r} is no part of a sum of rates")
    try:
        return _computed(ast.parse(text, mode="eval").body)
    except (SyntaxError, ZeroDivisionError):
        raise ValueError(f"{query!r} cannot be computed") from None


def _sum(query: str, parts: list, i: int) -> tuple[int, Selector]:  # type: ignore[type-arg]
    """Return the last token of `sum [by (..)] (rate(selector[{{.window}}]))` and its selector."""
    start = i + 1
    if start < len(parts) and parts[start].text in ("by", "without"):
        start = closing(parts, start + 1) + 1
    last = closing(parts, start) if start < len(parts) else start
    inner = parts[start + 1 : last]
    found = selectors(query[parts[start].end : parts[last].offset]) if inner else []
    shape = [token.text for token in inner]
    if len(found) != 1 or shape[:1][0] not in _FUNCTIONS or shape[-4:] != ["[", WINDOW, "]", ")"]:
        raise ValueError(f"{query!r} is no sum of rates")
    return last, found[0]


def _computed(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_computed(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_computed(left), _computed(right))
        case _:
            raise ValueError("no arithmetic")
