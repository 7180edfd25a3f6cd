"""Find steady worlds on both sides of a condition's edge: in one it just does not hold, in the other it just does.

A world is made of parts, each turned up and down by one amount: a gauge's level, a gauge that holds an instant by its
age, a counter's rate, and of a histogram the rate of quick and of slow observations. Amounts of a coarse grid are tried
until two worlds differ in the verdict and in as few parts as can be; then the line between them is halved.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from bongsu.core.promql import selectors
from bongsu.core.series import OTHER, Series, candidates, matches
from bongsu.core.steady import counters, grouped_by, parsed, reads_the_clock
from bongsu.core.vectors import BOUND, UnsteadyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bongsu.core.promql import Selector


Amounts = tuple[float, ...]
Condition = Callable[[Amounts, Amounts], bool]

_MANY, _A_LOT = 1e3, 1e6
_LONG_AGO = 1e9
_JUST = 1e-3
"""How far from the edge `just` is, as a share of the way to the nearer of the two worlds it lies between."""
_HALVINGS, _NOWHERE = 60, 1e-12
_MOST_WORLDS, _MOST_SIDE, _MOST_PAIRS, _MOST_PARTS = 5_000, 100, 40, 7
SHARES: tuple[tuple[float, ...], ...] = ((0.5, 0.8, 0.3), ())
"""What another replica has of each kind of series, so that sums, extremes, quotients differ; or none."""
_MADE_UP, _REPLICA = "replay", "replica"
"""Values of labels nobody asks for, and the label that alone tells two series of a group apart."""


@dataclass(frozen=True, slots=True)
class Part:
    """Series that an amount is added to, each times its weight; `age`: the level is that long before now."""

    weights: tuple[tuple[Series, float], ...]
    counter: bool = False
    age: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """What worlds of a query are made of; `choices` are the ways to read its gauges: as levels or as instants."""

    choices: tuple[tuple[Part, ...], ...]
    counters: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Edge:
    """Amounts of `parts` at which a condition just does not hold, and just does; and beyond doubt not, and does."""

    parts: tuple[Part, ...]
    below: Amounts
    above: Amounts
    quietly: Amounts
    plainly: Amounts


def levels(parts: Sequence[Part], amounts: Amounts, now: float) -> dict[Series, float]:
    """Return the level or growth per second of every series, given an amount for each part."""
    found: dict[Series, float] = {}
    for part, amount in zip(parts, amounts, strict=True):
        for series, weight in part.weights:
            found[series] = found.get(series, 0.0) + (now - weight * amount if part.age else weight * amount)
    return found


def parts_of(query: str, bounds: Sequence[float], wanted: Sequence[Selector], shares: Sequence[float]) -> Parts:
    """Return what the worlds of a query are made of: of series that one of the selectors `wanted` selects.

    `bounds` are limits a histogram's observations shall lie below or above; beside each series stands that of another
    replica with a share of its amount: the `shares`, in turns, when there are any. Raise UnsteadyError when there are
    no series or too many.
    """
    tree = parsed(query)
    counted = counters(tree)
    try:
        found = [one for one in candidates(selectors(query)) if any(matches(one, selector) for selector in wanted)]
    except ValueError as error:
        raise UnsteadyError(str(error)) from None
    by = sorted(grouped_by(tree) - {BOUND})
    buckets = "histogram_quantile" in query
    fixed: list[Part] = []
    gauges: list[tuple[tuple[Series, float], ...]] = []
    for number, series in enumerate(found):
        one, other = _labelled(series, by, "1"), _labelled(series, by, "2")
        share = shares[number % len(shares)] if shares and other != one else None
        both = ((one, 1.0),) if share is None else ((one, 1.0), (other, share))
        if buckets and series.name in counted and series.name.endswith("_bucket"):
            fixed += _histogram(both, bounds)
        elif series.name in counted:
            fixed.append(Part(both, counter=True))
        else:
            gauges.append(both)
    if not found or len(fixed) + len(gauges) > _MOST_PARTS:
        raise UnsteadyError(f"it reads {len(found)} kinds of series; 1 to {_MOST_PARTS} can be made up")
    ages = product((True, False), repeat=len(gauges)) if reads_the_clock(tree) else [(False,) * len(gauges)]
    choices = tuple(
        (*fixed, *(Part(both, age=age) for both, age in zip(gauges, chosen, strict=True))) for chosen in ages
    )
    return Parts(choices, counted)


def edge(parts: Sequence[Part], fires: Condition, shifted: Condition, now: float, *, remembers: bool) -> Edge | None:
    """Return where a condition begins to hold, or None when no such place is found.

    A condition is asked of amounts and of those that stood before them. `shifted` is the same one with another limit:
    the edge must lie elsewhere for it, so that it is the limit which decides and not some floor beside it. `remembers`:
    what stood before may matter.
    """
    grids = [grid(part, now) for part in parts]
    while math.prod(map(len, grids)) > _MOST_WORLDS:
        grids = [grid[:-1] if len(grid) > 2 else grid for grid in grids]  # noqa: PLR2004 - nothing and something
    every = list(product(*grids))
    verdicts = {amounts: fires(amounts, amounts) for amounts in every}
    silent = [amounts for amounts, verdict in verdicts.items() if not verdict]
    firing = every if remembers else [amounts for amounts, verdict in verdicts.items() if verdict]
    for quiet, loud in _pairs(silent, firing):
        found = _between(fires, quiet, loud)
        if found is None or _same(found, _between(shifted, quiet, loud)):
            continue
        if at := _beside(fires, quiet, loud, found):
            return Edge(tuple(parts), *at, quiet, loud)
    return None


def scaled(known: Edge, fires: Condition) -> Edge | None:
    """Return where the condition stops to hold when a world in which it plainly does has ever fewer events."""
    none = tuple(0.0 if part.counter else amount for part, amount in zip(known.parts, known.plainly, strict=True))
    found = _between(fires, none, known.plainly) if none != known.plainly else None
    at = _beside(fires, none, known.plainly, found) if found is not None else None
    return Edge(known.parts, *at, none, known.plainly) if at else None


def decoys(parts: Sequence[Part], wanted: Sequence[Selector], counters: frozenset[str]) -> tuple[Part, ...]:
    """Return series that differ from those of the parts in one label, that no selector wants and nobody may count."""
    near = (
        Series(series.name, tuple((name, OTHER if name == label else text) for name, text in series.labels))
        for part in parts
        for series, _ in part.weights
        for label, _ in series.labels
        if label != BOUND
    )
    return tuple(
        Part(_decoy(series, counter=series.name in counters), counter=series.name in counters)
        for series in dict.fromkeys(near)
        if not any(matches(series, selector) for selector in wanted)
    )


def _decoy(series: Series, *, counter: bool) -> tuple[tuple[Series, float], ...]:
    """Return a series that grows a lot; of gauges one far above and one further below all others."""
    low = Series(series.name, tuple(sorted((dict(series.labels) | {_REPLICA: OTHER}).items())))
    return ((series, _A_LOT),) if counter else ((series, _A_LOT), (low, -3 * _A_LOT))


def _labelled(series: Series, by: Iterable[str], replica: str) -> Series:
    """Return one of two series as scraped from a target, with a value for each label that the query groups by."""
    labels = {_REPLICA: replica, "instance": _MADE_UP, **dict.fromkeys(by, _MADE_UP)} | dict(series.labels)
    return Series(series.name, tuple(sorted(labels.items())))


def _histogram(targets: Sequence[tuple[Series, float]], bounds: Sequence[float]) -> Iterator[Part]:
    """Yield quick observations, in every bucket, and those slower than each bound."""
    edges = sorted({bound for bound in bounds if bound > 0} | {10 * max((*bounds, 1.0))})
    texts = [*((bound, f"{bound:g}") for bound in edges), (math.inf, "+Inf")]
    for slower in (0.0, *edges[:-1]):
        yield Part(
            tuple(
                (Series(series.name, tuple(sorted((dict(series.labels) | {BOUND: text}).items()))), share)
                for series, weight in targets
                for bound, text in texts
                for share in [weight * (bound > slower)]
            ),
            counter=True,
        )


def grid(part: Part, now: float) -> tuple[float, ...]:
    """Return the amounts of a part that are tried."""
    if part.counter:
        return (0.0, _MANY, 1.0)
    return (0.0, now - 1, _LONG_AGO) if part.age else (0.0, 1.0, _LONG_AGO, _MANY)


def _pairs(silent: Sequence[Amounts], firing: Sequence[Amounts]) -> Iterator[tuple[Amounts, Amounts]]:
    """Yield worlds of either verdict, those that differ in the fewest parts and hold most first."""
    near = sorted(
        ((sum(a != b for a, b in zip(quiet, loud, strict=True)), -sum(map(bool, loud)), quiet, loud)
         for quiet in silent[:_MOST_SIDE] for loud in firing[:_MOST_SIDE]),
        key=lambda pair: pair[:2],
    )  # fmt: skip
    for _, _, quiet, loud in near[:_MOST_PAIRS]:
        yield quiet, loud


def _at(quiet: Amounts, loud: Amounts, way: float) -> Amounts:
    return tuple(a + (b - a) * way for a, b in zip(quiet, loud, strict=True))


def _between(fires: Condition, quiet: Amounts, loud: Amounts) -> float | None:
    """Return how far on the way from quiet to loud the condition begins to hold; None when it does not end so."""
    if fires(quiet, quiet) or not fires(loud, quiet):
        return None
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if fires(_at(quiet, loud, middle), quiet) else (middle, high)
    return high


def _same(one: float, other: float | None) -> bool:
    near = partial(math.isclose, rel_tol=1e-6, abs_tol=1e-15)
    return other is not None and near(one, other) and near(1 - one, 1 - other)


def _beside(fires: Condition, quiet: Amounts, loud: Amounts, way: float) -> tuple[Amounts, Amounts] | None:
    """Return amounts just on either side of an edge; of one at the very beginning, the beginning."""
    step = _JUST * min(way, 1 - way)
    before, after = (way - step, way + step) if way > _NOWHERE else (0.0, _JUST)
    below, above = _at(quiet, loud, before), _at(quiet, loud, after)
    return (below, above) if not fires(below, quiet) and fires(above, quiet) else None
