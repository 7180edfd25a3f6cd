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
from itertools import combinations, islice, product
from typing import TYPE_CHECKING

from bongsu.core.promql import WINDOW, Matcher, Selector, bare, closing, selectors, words
from bongsu.slo.model import Ratio, queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bongsu.slo.model import Slo

_OTHER = "other"
_PLAIN = re.compile(r"[A-Za-z0-9_.:/ -]+")
_MOST_COMBINATIONS = 200
_MOST_SERIES = 6
_FUNCTIONS = ("rate", "increase")
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True, slots=True)
class Series:
    """One counter: a metric name and labels."""

    name: str
    labels: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        inner = ",".join(f'{label}="{value}"' for label, value in self.labels)
        return f"{self.name}{{{inner}}}"


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
    found = list(_candidates(wanted))
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
        Series(series.name, tuple((name, _OTHER if name == label else value) for name, value in series.labels))
        for series in counted
        for label, _ in series.labels
    )
    for series in dict.fromkeys(near):
        if not any(_matches(series, selector) for selector in wanted):
            yield series


def _seen(ratio: Ratio, incremented: tuple[Series, ...]) -> tuple[float, float]:
    """Return the bad and total events that the queries see when these counters each count one."""
    total = _value(bare(ratio.total.text), incremented)
    if ratio.bad is not None:
        return _value(bare(ratio.bad.text), incremented), total
    good = _value(bare(ratio.good.text), incremented) if ratio.good is not None else 0.0
    return total - good, total


def _candidates(wanted: list[Selector]) -> Iterable[Series]:
    """Yield one series for each set of selectors that some series can match."""
    seen: set[frozenset[int]] = set()
    for name in dict.fromkeys(selector.name for selector in wanted if selector.name):
        for labels in islice(_labels([s for s in wanted if s.name == name]), _MOST_COMBINATIONS):
            series = Series(name, tuple(sorted(labels.items())))
            matched = frozenset(i for i, selector in enumerate(wanted) if _matches(series, selector))
            if matched and matched not in seen:
                seen.add(matched)
                yield series


def _labels(wanted: list[Selector]) -> Iterable[dict[str, str]]:
    """Yield the combinations of label values that the matchers of one metric speak of."""
    options: dict[str, dict[str, None]] = {}
    for matcher in (m for selector in wanted for m in selector.matchers if m.label != "__name__"):
        options.setdefault(matcher.label, {}).update(dict.fromkeys(_values(matcher)))
    names = list(options)
    for chosen in product(*((*options[name], _OTHER) for name in names)):
        yield dict(zip(names, chosen, strict=True))


def _values(matcher: Matcher) -> list[str]:
    if matcher.op in ("=", "!="):
        return [matcher.value] if matcher.value else []
    # 5.. -> 500, (a|b) -> a, b: enough of a regular expression to find a member; `_matches` judges it.
    plain = matcher.value.replace(".+", "x").replace(".*", "x").replace(".", "0")
    parts = [part.strip("()") for part in plain.split("|")]
    return [part for part in parts if _PLAIN.fullmatch(part)]


def _matches(series: Series, selector: Selector) -> bool:
    if series.name != selector.name:
        return False
    labels = dict(series.labels)
    return all(_holds(labels.get(m.label, ""), m) for m in selector.matchers if m.label != "__name__")


def _holds(value: str, matcher: Matcher) -> bool:
    if matcher.op in ("=", "!="):
        return (value == matcher.value) == (matcher.op == "=")
    try:
        return bool(re.fullmatch(matcher.value, value)) == (matcher.op == "=~")
    except re.error:
        raise ValueError(f"cannot read the pattern {matcher.value!r}") from None


def _value(query: str, incremented: tuple[Series, ...]) -> float:
    """Return what a query counts; raise ValueError for one that is not arithmetic over sums of rates."""
    parts = words(query)
    text, i = "", 0
    while i < len(parts):
        token = parts[i]
        if token.text == "sum":
            last, selector = _sum(query, parts, i)
            text += repr(float(sum(_matches(series, selector) for series in incremented)))
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
