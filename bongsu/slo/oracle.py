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


def firing(definition: Definition, phases: tuple[Phase, ...]) -> list[bool]:
    """Return for each evaluation, the first at time 0, whether the tier fires."""
    bad = _counter([phase.bad for phase in phases for _ in range(phase.evaluations)])
    total = _counter([phase.good + phase.bad for phase in phases for _ in range(phase.evaluations)])
    bad_rates, total_rates = (_rates(counter, definition.base) for counter in (bad, total))
    bad_sums, total_sums = (list(accumulate(rates, initial=0.0)) for rates in (bad_rates, total_rates))

    def share(now: int, window: int) -> float:
        if window <= definition.base:
            return bad_rates[now] / total_rates[now] if total_rates[now] else 0.0
        first = max(0, now + 1 - window)
        whole = total_sums[now + 1] - total_sums[first]
        return (bad_sums[now + 1] - bad_sums[first]) / whole if whole else 0.0

    def gathered(now: int) -> float:
        return bad_sums[now + 1] - bad_sums[max(0, now + 1 - definition.long)]

    return [
        share(now, definition.long) > definition.share
        and share(now, definition.short) > definition.share
        and gathered(now) > definition.events - 0.5
        for now in range(len(bad))
    ]


def _counter(increments: list[float]) -> list[float]:
    return list(accumulate(increments, initial=0.0))


def _rates(counter: list[float], base: int) -> list[float]:
    """Return events per evaluation, averaged over the base window; shorter where the counter is younger."""
    return [
        (value - counter[max(0, now - base)]) / max(1, min(now, base)) if now else 0.0
        for now, value in enumerate(counter)
    ]
