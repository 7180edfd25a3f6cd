"""PromQL's arithmetic on instant vectors: operators, matching, sets, aggregations, functions of one number, quantiles.

Labels of results follow promql/engine.go of Prometheus 2.42, quantiles promql/quantile.go. What is not known here
raises UnsteadyError (bongsu/core/steady.py is what it is for).
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
Value = float | Vector

NAME, BOUND = "__name__", "le"
FUNCTIONS = frozenset(("abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max"))
"""Those of one number."""
SETS = ("and", "or", "unless")
COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


class UnsteadyError(ValueError):
    """What a query asks has no meaning in a steady world, or none that is known here."""


def without(labels: Labels, names: Iterable[str]) -> Labels:
    """Return labels less those of such names."""
    gone = set(names)
    return frozenset(pair for pair in labels if pair[0] not in gone)


def only(labels: Labels, names: Iterable[str]) -> Labels:
    """Return those of the labels that have such names."""
    kept = set(names)
    return frozenset(pair for pair in labels if pair[0] in kept)


def as_vector(found: Value) -> Vector:
    """Return series; raise UnsteadyError for a number."""
    if isinstance(found, dict):
        return found
    raise UnsteadyError("a number where series are wanted")


def as_scalar(found: Value) -> float:
    """Return a number; raise UnsteadyError for series."""
    if isinstance(found, dict):
        raise UnsteadyError("series where a number is wanted")
    return found


def mapped(plain: Callable[[float], float], found: Value) -> Value:
    """Return what a function of one number makes of each; series lose their name."""
    if isinstance(found, dict):
        return {without(labels, (NAME,)): _number(plain, number) for labels, number in found.items()}
    return _number(plain, found)


def _number(plain: Callable[..., float], *numbers: float) -> float:
    """Return what a function gives; where Python raises (round(x, 0), 10^400), PromQL has no number either."""
    try:
        return float(plain(*numbers))
    except (ArithmeticError, ValueError):
        return math.nan


def function(name: str, rest: list[float]) -> Callable[[float], float]:
    """Return one of FUNCTIONS, given its further arguments; raise UnsteadyError when those are not what it takes."""
    match name, rest:
        case "abs" | "ceil" | "floor", []:
            plain: dict[str, Callable[[float], float]] = {"abs": abs, "ceil": math.ceil, "floor": math.floor}
            found = plain[name]
        case "round", []:
            found = _rounding(1.0)
        case "round", [to]:
            found = _rounding(to)
        case "clamp", [low, high]:
            found = _clamping(low, high)
        case "clamp_min", [low]:
            found = _clamping(low, math.inf)
        case "clamp_max", [high]:
            found = _clamping(-math.inf, high)
        case _:
            raise UnsteadyError(f"{name}() takes other arguments")
    return found


def _rounding(to: float) -> Callable[[float], float]:
    return lambda number: math.floor(number / to + 0.5) * to


def _clamping(low: float, high: float) -> Callable[[float], float]:
    return lambda number: max(low, min(high, number))


def aggregated(op: str, modifier: Any, vector: Vector) -> Vector:
    """Return what an aggregation makes of series; raise UnsteadyError for an unknown one."""
    gathered: dict[str, Callable[[list[float]], float]] = {
        "sum": sum, "min": min, "max": max, "avg": _mean, "count": len, "group": lambda _: 1.0,
    }  # fmt: skip
    if op not in gathered:
        raise UnsteadyError(f"{op} is not known here")
    named = list(modifier.labels) if modifier else []
    apart = bool(modifier) and str(modifier.type).endswith("Without")
    groups: dict[Labels, list[float]] = {}
    for labels, number in vector.items():
        groups.setdefault(without(labels, (*named, NAME)) if apart else only(labels, named), []).append(number)
    return {labels: float(gathered[op](numbers)) for labels, numbers in groups.items()}


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def combined(op: str, modifier: Any, left: Value, right: Value) -> Value:
    """Return what a binary operator makes of two values; raise UnsteadyError where Prometheus would refuse."""
    if op in SETS:
        return _set(op, as_vector(left), as_vector(right), _matching(modifier))
    of_bool = bool(modifier and modifier.return_bool)
    if isinstance(left, dict) and isinstance(right, dict):
        return _joined(op, left, right, modifier)
    if isinstance(left, dict):
        number = as_scalar(right)
        return _each(op, {labels: (mine, mine, number) for labels, mine in left.items()}, of_bool=of_bool)
    if isinstance(right, dict):
        return _each(op, {labels: (mine, left, mine) for labels, mine in right.items()}, of_bool=of_bool)
    return float(COMPARE[op](left, right)) if op in COMPARE else _computed(op, left, right)


def quantiles(share: float, buckets: Vector) -> Vector:
    """Return a quantile for each group of buckets that differ in `le` alone."""
    groups: dict[Labels, list[tuple[float, float]]] = {}
    for labels, count in buckets.items():
        bound = dict(labels).get(BOUND)
        if bound is not None:
            groups.setdefault(without(labels, (BOUND, NAME)), []).append((float(bound), count))
    return {labels: _quantile(share, sorted(found)) for labels, found in groups.items()}


def _quantile(share: float, buckets: list[tuple[float, float]]) -> float:
    """Return a quantile by linear interpolation in its bucket; NaN without observations."""
    if len(buckets) < 2 or buckets[-1][0] != math.inf or not buckets[-1][1] or not 0 <= share <= 1:  # noqa: PLR2004 - PromQL wants two
        return math.nan
    rank = share * buckets[-1][1]
    at = next(i for i, (_, count) in enumerate(buckets) if count >= rank)
    if at == len(buckets) - 1:
        return buckets[-2][0]
    bound, count = buckets[at]
    low, before = buckets[at - 1] if at else (min(0.0, bound), 0.0)
    return low + (bound - low) * (rank - before) / (count - before)


def _each(op: str, sides: dict[Labels, tuple[float, float, float]], *, of_bool: bool) -> Vector:
    """Return series beside a number, given what each keeps and both sides: compared ones keep value and name."""
    if op not in COMPARE:
        return {without(labels, (NAME,)): _computed(op, left, right) for labels, (_, left, right) in sides.items()}
    if of_bool:
        return {without(labels, (NAME,)): float(COMPARE[op](left, right)) for labels, (_, left, right) in sides.items()}
    return {labels: kept for labels, (kept, left, right) in sides.items() if COMPARE[op](left, right)}


def _joined(op: str, left: Vector, right: Vector, modifier: Any) -> Vector:
    """Return what two vectors give, each series on the left with the one on the right that it matches."""
    key = _matching(modifier)
    cardinality = str(modifier.card).split(".")[-1] if modifier else "OneToOne"
    if cardinality == "OneToMany":
        raise UnsteadyError("group_right is not known here")
    ones: dict[Labels, tuple[Labels, float]] = {}
    for labels, number in right.items():
        if key(labels) in ones:
            raise UnsteadyError("more than one series on the side of one")
        ones[key(labels)] = labels, number
    of_bool, result = bool(modifier and modifier.return_bool), Vector()
    for labels, number in left.items():
        if key(labels) not in ones:
            continue
        other, beside = ones[key(labels)]
        holds = op in COMPARE and COMPARE[op](number, beside)
        if op in COMPARE and not of_bool and not holds:
            continue
        kept = labels if op in COMPARE and not of_bool else without(labels, (NAME,))
        if cardinality == "OneToOne" and modifier and modifier.matching:
            kept = key(labels)
        taken = list(modifier.group_labels or ()) if modifier else []
        kept = without(kept, taken) | only(other, taken)
        if kept in result:
            raise UnsteadyError("more than one series with the same labels")
        compared = float(holds) if of_bool else number
        result[kept] = compared if op in COMPARE else _computed(op, number, beside)
    return result


def _set(op: str, left: Vector, right: Vector, key: Callable[[Labels], Labels]) -> Vector:
    there = {key(labels) for labels in right}
    if op == "or":
        mine = {key(labels) for labels in left}
        return left | {labels: number for labels, number in right.items() if key(labels) not in mine}
    return {labels: number for labels, number in left.items() if (key(labels) in there) == (op == "and")}


def _matching(modifier: Any) -> Callable[[Labels], Labels]:
    """Return what of a series' labels decides which series it meets."""
    matching = modifier.matching if modifier else None
    if matching is None:
        return lambda labels: without(labels, (NAME,))
    named = list(matching.labels)
    if str(matching.type).endswith("Include"):
        return lambda labels: only(labels, named)
    return lambda labels: without(labels, (*named, NAME))


def _computed(op: str, left: float, right: float) -> float:
    plain: dict[str, Callable[[float, float], float]] = {
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _divided, "%": _rest, "^": math.pow,
    }  # fmt: skip
    if op not in plain:
        raise UnsteadyError(f"the operator {op} is not known here")
    return _number(plain[op], left, right)


def _divided(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left)


def _rest(left: float, right: float) -> float:
    return math.fmod(left, right) if right else math.nan
