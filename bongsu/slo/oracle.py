"""Say what a burn-rate tier must do, by playing its definition: the judge of the compiled rules.

It knows the definition of a tier and what `rate` and averages are, and imports nothing of the compiler or of its
formulas. Times are counted in evaluations; between samples counters grow in a straight line.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Phase:
    """So many evaluations with so many good and bad events in each."""

    evaluations: int
    good: float
    bad: float


@dataclass(frozen=True, slots=True)
class Definition:
    """A tier in evaluations: fires while both windows hold a bad share above `share`, and `long` enough bad events."""

    share: float
    long: int
    short: int
    base: int
    events: int


@dataclass(frozen=True, slots=True)
class Rates:
    """What the base recordings hold at each evaluation, the first at time 0: bad and all events per evaluation."""

    bad: tuple[float, ...]
    total: tuple[float, ...]


def recorded(base: int, phases: tuple[Phase, ...]) -> Rates:
    """Return the rates over the last `base` evaluations."""
    bad = _counter([phase.bad for phase in phases for _ in range(phase.evaluations)])
    total = _counter([phase.good + phase.bad for phase in phases for _ in range(phase.evaluations)])
    return Rates(_rates(bad, base), _rates(total, base))


def firing(definition: Definition, phases: tuple[Phase, ...]) -> list[bool]:
    """Return for each evaluation, the first at time 0, whether the tier fires."""
    rates = recorded(definition.base, phases)
    bad_sums, total_sums = (list(accumulate(kind, initial=0.0)) for kind in (rates.bad, rates.total))

    def shares(window: int) -> list[float]:
        seen = 1 if window <= definition.base else window
        bad, total = _windows(bad_sums, seen), _windows(total_sums, seen)
        return [part / whole if whole else 0.0 for part, whole in zip(bad, total, strict=True)]

    gathered = _windows(bad_sums, definition.long)
    limit, floor = definition.share, definition.events - 0.5
    both = zip(shares(definition.long), shares(definition.short), gathered, strict=True)
    return [long > limit and short > limit and events > floor for long, short, events in both]


def share(window: int, base: int, phases: tuple[Phase, ...]) -> float:
    """Return the bad share of a window at the end of the phases."""
    rates = recorded(base, phases)
    seen = 1 if window <= base else window
    return sum(rates.bad[-seen:]) / sum(rates.total[-seen:])


def _counter(increments: list[float]) -> list[float]:
    return list(accumulate(increments, initial=0.0))


def _rates(counter: list[float], base: int) -> tuple[float, ...]:
    """Return events per evaluation, averaged over the base window; shorter where the counter is younger."""
    young = [value / max(1, now) for now, value in enumerate(counter[:base])]
    return (*young, *((late - early) / base for early, late in zip(counter, counter[base:], strict=False)))


def _windows(sums: list[float], window: int) -> list[float]:
    """Return the sum of the last `window` evaluations, or of all there are, given the sums from the beginning."""
    before = [0.0] * (window - 1) + sums
    return [late - early for early, late in zip(before, sums[1:], strict=False)]
