"""Evaluate PromQL in a steady world: each gauge stands at its level and each counter grows at its rate, for ever.

There most of PromQL has a plain meaning: a rate is the rate; any average, minimum or maximum over time is the level;
what was an hour ago is what is now. Replays use it to find a world in which a condition of somebody else's making just
holds, or just does not, and what is to be expected there. Whatever has no such meaning (`deriv`, `changes`, a bare
counter) raises UnsteadyError. Source: prometheus.io/docs/prometheus/latest/querying.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import promql_parser
from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from bongsu.core.series import holds
from bongsu.core.vectors import (
    FUNCTIONS,
    NAME,
    UnsteadyError,
    Value,
    Vector,
    aggregated,
    as_scalar,
    as_vector,
    combined,
    function,
    mapped,
    quantiles,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bongsu.core.series import Series
    from bongsu.core.vectors import Labels

_RATES = frozenset(("rate", "irate", "increase"))
_OVER_TIME = frozenset(f"{what}_over_time" for what in ("avg", "min", "max", "last", "present"))
_KNOWN = FUNCTIONS | {"time", "vector", "scalar", "absent", "histogram_quantile", "sort", "sort_desc"}
_OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


@dataclass(frozen=True, slots=True)
class World:
    """Levels of gauges and growth per second of counters, told apart by the names of metrics; `now` is Unix time.

    What stood `before`, oldest first, has been gone for `settled` seconds: longer ranges and offsets still see it.
    """

    levels: Mapping[Series, float]
    counters: frozenset[str] = frozenset()
    now: float = 0.0
    before: tuple[Mapping[Series, float], ...] = ()
    settled: float = math.inf

    def seen_by(self, seconds: float) -> tuple[Mapping[Series, float], ...]:
        """Return the levels that a range of such a length holds, oldest first."""
        return (*self.before, self.levels) if seconds > self.settled else (self.levels,)

    def ago(self, seconds: float) -> World:
        """Return the world as it was so long ago: what stood first stood for longest."""
        if seconds <= self.settled or not self.before:
            return self
        return replace(self, levels=self.before[0], before=(), settled=math.inf)


@dataclass(frozen=True, slots=True)
class Memory:
    """How a query looks at time, in seconds: how far back, short of that, and its shortest range (0: it has none)."""

    longest: float = 0.0
    second: float = 0.0
    shortest: float = 0.0


def parsed(text: str) -> Any:
    """Return the syntax tree of a query, of one of the parser's classes; raise UnsteadyError for what is no PromQL."""
    try:
        return promql_parser.parse(text)
    except ValueError as error:
        raise UnsteadyError(f"{text!r} is no PromQL: {error}") from None


def value(tree: Any, world: World) -> Value:
    """Return what a query gives in a world; raise UnsteadyError where that is not known."""
    match tree:
        case NumberLiteral(val=number):
            found: Value = float(number)
        case ParenExpr(expr=inner):
            found = value(inner, world)
        case UnaryExpr(expr=inner):
            found = mapped(operator.neg, value(inner, world))
        case VectorSelector():
            if _name(tree) in world.counters:
                raise UnsteadyError(f"{_name(tree)} is a counter, whose bare value never stands still")
            found = _selected(tree, world)
        case Call():
            found = _called(tree, world)
        case AggregateExpr():
            found = aggregated(str(tree.op), tree.modifier, as_vector(value(tree.expr, world)))
        case BinaryExpr():
            found = combined(str(tree.op), tree.modifier, value(tree.lhs, world), value(tree.rhs, world))
        case _:
            raise UnsteadyError(f"{tree} has no meaning here")
    return found


def series_of(found: Value) -> Vector:
    """Return the series of a value, without NaN; of a number one without labels."""
    vector = found if isinstance(found, dict) else {frozenset(): found}
    return {labels: number for labels, number in vector.items() if not math.isnan(number)}


def counters(tree: Any) -> frozenset[str]:
    """Return the names of the metrics a query takes the rate of."""
    calls = [node for node in nodes(tree) if isinstance(node, Call) and node.func.name in _RATES]
    return frozenset(_name(node) for call in calls for node in nodes(call) if isinstance(node, VectorSelector))


def grouped_by(tree: Any) -> frozenset[str]:
    """Return every label that some aggregation or matching of a query speaks of."""
    found: set[str] = set()
    for node in nodes(tree):
        if isinstance(node, AggregateExpr) and node.modifier:
            found.update(node.modifier.labels)
        if isinstance(node, BinaryExpr) and node.modifier and node.modifier.matching:
            found.update(node.modifier.matching.labels)
    return frozenset(found)


def reads_the_clock(tree: Any) -> bool:
    """Tell whether a query asks what time it is."""
    return any(isinstance(node, Call) and node.func.name == "time" for node in nodes(tree))


def memory(tree: Any) -> Memory:
    """Return how a query looks at time."""
    looks = sorted({0.0, *_looks(tree)})
    ranges = [_range(node) for node in nodes(tree) if isinstance(node, MatrixSelector | SubqueryExpr)]
    return Memory(looks[-1], looks[-2] if len(looks) > 1 else 0.0, min(ranges, default=0.0))


def nodes(tree: Any) -> Iterator[Any]:
    """Yield a syntax tree and all below it."""
    yield tree
    for child in _children(tree):
        yield from nodes(child)


def _looks(tree: Any) -> Iterator[float]:
    """Yield how far back each selector of a query looks."""
    reach = _offset(tree) + _range(tree)
    children = _children(tree)
    yield from (reach + look for child in children for look in _looks(child))
    if not children:
        yield reach


def _range(tree: Any) -> float:
    return float(tree.range.total_seconds()) if isinstance(tree, MatrixSelector | SubqueryExpr) and tree.range else 0.0


def _offset(tree: Any) -> float:
    offset = getattr(tree, "offset", None)
    return max(0.0, float(offset.total_seconds())) if offset else 0.0


def _children(tree: Any) -> list[Any]:
    if isinstance(tree, Call):
        return list(tree.args)
    names = ("lhs", "rhs", "expr", "param", "vector_selector")
    return [child for child in (getattr(tree, name, None) for name in names) if child is not None]


def _name(selector: VectorSelector) -> str:
    named = next((m.value for m in selector.matchers.matchers if m.name == NAME), "")
    return selector.name or named


def _selected(selector: VectorSelector, world: World) -> Vector:
    if selector.at is not None or selector.matchers.or_matchers:
        raise UnsteadyError("`@` and `or` in a selector are not known here")
    name = _name(selector)
    wanted = [(m.name, _OPERATORS[str(m.op).split(".")[-1]], m.value) for m in selector.matchers.matchers]
    return {
        _labels(series): level
        for series, level in world.ago(_offset(selector)).levels.items()
        if series.name == name
        and all(holds(dict(series.labels), label, op, text) for label, op, text in wanted if label != NAME)
    }


def _labels(series: Series) -> Labels:
    return frozenset((*((label, text) for label, text in series.labels if text), (NAME, series.name)))


def _called(call: Call, world: World) -> Value:
    name, arguments = call.func.name, list(call.args)
    if name in _RATES:
        return _rated(name, arguments[0], world)
    if name in _OVER_TIME:
        return _over(name.removesuffix("_over_time"), arguments[0], world)
    if name not in _KNOWN:
        raise UnsteadyError(f"{name}() is not known here")
    values = [value(argument, world) for argument in arguments]
    match name:
        case "time":
            found: Value = world.now
        case "vector":
            found = {frozenset(): as_scalar(values[0])}
        case "scalar":
            numbers = list(series_of(values[0]).values())
            found = numbers[0] if len(numbers) == 1 else math.nan
        case "absent":
            found = {} if values[0] else {frozenset(): 1.0}
        case "histogram_quantile":
            found = dict(quantiles(as_scalar(values[0]), series_of(values[1])))
        case "sort" | "sort_desc":
            found = values[0]
        case _:
            found = mapped(function(name, [as_scalar(one) for one in values[1:]]), values[0])
    return found


def _rated(name: str, argument: Any, world: World) -> Value:
    """Return the growth of counters: each second, or in the whole range for `increase`."""
    if not isinstance(argument, MatrixSelector):
        raise UnsteadyError(f"{name}() of a subquery is not known here")
    offset = _offset(argument.vector_selector)
    if offset <= world.settled and len(world.seen_by(_range(argument) + offset)) > 1:
        raise UnsteadyError(f"{name}() over a change is not known here")
    times = _range(argument) if name == "increase" else 1.0
    return mapped(lambda rate: rate * times, _selected(argument.vector_selector, world))


def _over(name: str, argument: Any, world: World) -> Value:
    """Return what `max_over_time` and its like give: over levels that stand, and over those that stood."""
    inner = argument.vector_selector if isinstance(argument, MatrixSelector) else argument.expr
    if reads_the_clock(inner):
        raise UnsteadyError("time() in a subquery does not stand still")
    worlds = [replace(world, levels=there, before=()) for there in world.seen_by(_range(argument))]
    found = [mapped(lambda level: 1.0 if name == "present" else level, value(inner, one)) for one in worlds]
    if len(found) == 1:
        return found[0]
    if name == "avg":
        raise UnsteadyError("avg_over_time() over a change is not known here")
    choose = {"min": min, "max": max}.get(name, _later)
    result: Vector = {}
    for labels, number in (pair for one in found for pair in as_vector(one).items()):
        result[labels] = choose(result[labels], number) if labels in result else number
    return result


def _later(_: float, later: float) -> float:
    return later
