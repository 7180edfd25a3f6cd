"""Tell what a burn-rate tier must do as one timeline with a question at the end of each stretch.

What promtool costs is evaluations and, less, samples (research/alerts.md 4): it evaluates at every multiple of one
interval from time 0 on. So the timeline is cut into stretches as long as that interval, each longer than all a tier
remembers, and what is asked about is placed so that the end of a stretch lies just before it or just at it. Three days
are asked about in some 16 evaluations instead of 4,000, and each answer is exact to one sample.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING

from bongsu.slo.oracle import Definition, Phase, Rates, firing, recorded, share

if TYPE_CHECKING:
    from collections.abc import Mapping

_EVENTS = 10**9
"""Events of a sample in a steady stream: enough that shares just beside a threshold are whole numbers."""
_JUST = 0.001
_EXACT = 1e-9
"""Nearer to a threshold than this, and rounding decides."""
_SOME = 0.625
"""A bit of a good event, exact in binary: with it one failure below the floor is still above it in all events."""


@dataclass(frozen=True, slots=True)
class Question:
    """What must be so at the end of a stretch."""

    name: str
    fires: bool
    fired: bool = False
    """Whether it fired at the end of the stretch before as well, and so is no news."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The base rates of all stretches, `stretch` samples each, and questions by the stretch (from 1 on) they end."""

    stretch: int
    rates: Rates
    questions: Mapping[int, Question]


@dataclass(frozen=True, slots=True)
class Turn:
    """Samples after a change: the last at which the old state must hold, the first at which the new one must."""

    last: int
    first: int


@dataclass(frozen=True, slots=True)
class _Told:
    """So many stretches: what happens in them, and what must be so at the end."""

    phases: tuple[Phase, ...]
    question: Question
    stretches: int = 1


@lru_cache(maxsize=4096)
def timeline(definition: Definition) -> Timeline:
    """Return the timeline of a definition in samples; raise ValueError where the definition cannot do what it must."""
    stretch = definition.long + definition.short + 3 * definition.base + 2
    told = [
        _Told((Phase(stretch, 0, 0),), Question("silent without any traffic", fires=False)),
        *_few(definition, stretch),
        *_beside(definition, stretch),
        *_outage(definition, stretch),
        *_half(definition, stretch),
    ]
    phases = tuple(phase for one in told for phase in one.phases)
    ends = tuple(accumulate(one.stretches for one in told))
    seen = firing(definition, phases)
    for end, one in zip(ends, told, strict=True):
        if seen[end * stretch] != one.question.fires:
            raise ValueError(f"{definition} cannot be {one.question.name!r}")
    questions = {
        end: replace(one.question, fired=seen[(end - 1) * stretch]) for end, one in zip(ends, told, strict=True)
    }
    return Timeline(stretch, recorded(definition.base, phases), questions)


@lru_cache(maxsize=4096)
def detection(definition: Definition, error: float) -> Turn:
    """Return when a tier notices a bad share of `error` after clean history; raise ValueError if it never does."""
    clean = definition.long + 2 * definition.base
    sure, possible = _seen(definition, (Phase(clean, _EVENTS, 0), _share(2 * definition.long + clean, error)))
    return Turn(possible.index(True) - 1 - clean, sure.index(True) - clean)


@lru_cache(maxsize=4096)
def reset(definition: Definition) -> Turn:
    """Return how long a tier fires on after a total outage that lasted longer than its windows."""
    outage = definition.long + 2 * definition.base
    after = 2 * (definition.short + definition.base)
    phases = (Phase(outage, _EVENTS, 0), Phase(outage, 0, _EVENTS), Phase(after, _EVENTS, 0))
    sure, possible = (one[2 * outage :] for one in _seen(definition, phases))
    return Turn(sure.index(False) - 1, possible.index(False))


def _seen(definition: Definition, phases: tuple[Phase, ...]) -> tuple[list[bool], list[bool]]:
    """Return where a tier fires for sure, and where rounding may let it."""
    above, below = (replace(definition, share=definition.share * (1 + by)) for by in (_EXACT, -_EXACT))
    return firing(above, phases), firing(below, phases)


def _few(definition: Definition, stretch: int) -> list[_Told]:
    """Tell of single failures without traffic around them, at the floor and one below it."""
    events, edge = definition.events, definition.long + definition.base
    told = []
    if events > 1:
        few = Question(f"silent at {events - 1} bad events and no good one", fires=False)
        told.append(_Told(_pulses(stretch, {edge + 1: (0, 10 * events), definition.base: (0, events - 1)}), few))
        if (events - 1) / (events - 1 + _SOME) > definition.share:
            among = Question(f"silent at {events - 1} bad events among others", fires=False)
            told.append(_Told(_pulses(stretch, {definition.base: (_SOME, events - 1)}), among))
    if events:
        enough = Question(f"fires at {events} bad events and no good one", fires=True)
        both = {definition.long: (0, events - 1), definition.base: (0, 1)}
        if definition.long == definition.base:
            both = {definition.base: (0, events)}
        told.append(_Told(_pulses(stretch, both), enough))
    nothing = Question("silent while bad events are counted, but no events", fires=False)
    none = definition.short + definition.base
    return [*told, _Told((Phase(stretch - none, 0, _EVENTS), Phase(none, -_EVENTS, _EVENTS)), nothing)]


def _pulses(stretch: int, events: Mapping[int, tuple[float, float]]) -> tuple[Phase, ...]:
    """Return a stretch without traffic, but for good and bad events so many samples before its end.

    The base window sees an event for its length: one that came as long ago is seen for the last time.
    """
    phases, last = [], stretch
    for ago, (good, bad) in events.items():
        phases += [Phase(last - ago, 0, 0), Phase(1, good, bad)]
        last = ago - 1
    return (*phases, Phase(last, 0, 0))


def _beside(definition: Definition, stretch: int) -> list[_Told]:
    """Tell of a bad share just below and just above the threshold over one window, while it is higher over the other.

    Traffic differs in and out of the windows, and so does its bad share: whatever else a rule reads, it sees another
    share.
    """
    told = []
    for by, verdict in ((-_JUST, "silent just below"), (_JUST, "fires just above")):
        target = definition.share * (1 + by)
        if target < 1:
            both = [("long", _long(definition, stretch, target))]
            if definition.short < definition.long:
                both.append(("short", _short(definition, stretch, target)))
            told += [
                _Told(phases, Question(f"{verdict} its threshold over its {window} window", fires=by > 0))
                for window, phases in both
            ]
    return told


def _long(definition: Definition, stretch: int, target: float) -> tuple[Phase, ...]:
    """Return an outage as old as the long window, half of the threshold in it, and enough errors at its end."""
    memory = definition.long + definition.base

    def phases(samples: int, error: float) -> tuple[Phase, ...]:
        old = Phase(stretch - memory, 0, 4 * _EVENTS)
        return old, _share(memory - samples, definition.share / 2, 2), _share(samples, error)

    def seen(samples: int, error: float) -> float:
        return share(definition.long, definition.base, phases(samples, error))

    samples = bisect_left(range(memory), target, key=lambda n: seen(n, 1.0))
    return phases(samples, _solved(target, seen(samples, 0.0), seen(samples, 1.0)))


def _short(definition: Definition, stretch: int, target: float) -> tuple[Phase, ...]:
    """Return an outage, and after it so little that the short window just reaches its threshold."""

    def phases(samples: int, error: float) -> tuple[Phase, ...]:
        outage = min(stretch - samples, definition.short + 2 * definition.base)
        quiet = Phase(stretch - samples - outage, 0, 0)
        return (
            quiet,
            Phase(outage, 0, 4 * _EVENTS),
            _share(samples // 2, error, 3),
            _share(samples - samples // 2, error),
        )

    def seen(samples: int, error: float) -> float:
        return share(definition.short, definition.base, phases(samples, error))

    samples = bisect_left(range(definition.short + definition.base), -target, key=lambda n: -seen(n, 0.0))
    return phases(samples, _solved(target, seen(samples, 0.0), seen(samples, 1.0)))


def _solved(target: float, none: float, all_: float) -> float:
    """Return the error that makes a share the target, given those of no errors and of nothing else."""
    return (target - none) / (all_ - none)


def _outage(definition: Definition, stretch: int) -> list[_Told]:
    """Tell of two total outages: one just unnoticed that then has just cleared, one just noticed that just has not."""
    onset, end = detection(definition, 1.0), reset(definition)
    return [
        _onset(definition, stretch, 1.0, onset.last, "silent until a total outage is noticed"),
        _Told(_end(stretch, end.first), Question("clears after a total outage", fires=False)),
        _onset(definition, stretch, 1.0, onset.first, "fires when a total outage is noticed"),
        _Told(_end(stretch, end.last), Question("fires until a total outage is forgotten", fires=True)),
    ]


def _half(definition: Definition, stretch: int) -> list[_Told]:
    """Tell of errors at twice the threshold: noticed half a long window after they begin, whatever the objective."""
    error = 2 * definition.share
    if error >= 1:
        return []  # a total outage takes half of the long window itself
    onset = detection(definition, error)
    return [
        _onset(definition, stretch, error, onset.last, "silent until errors at twice its threshold are noticed"),
        _onset(definition, stretch, error, onset.first, "fires when errors at twice its threshold are noticed"),
    ]


def _onset(definition: Definition, stretch: int, error: float, samples: int, name: str) -> _Told:
    """Tell of errors that began so many samples ago, after as much clean history as a tier remembers."""
    clean = definition.long + 2 * definition.base
    stretches = ceil((clean + samples) / stretch)
    quiet = Phase(stretches * stretch - clean - samples, 0, 0)
    phases = (quiet, Phase(clean, _EVENTS, 0), _share(samples, error))
    return _Told(phases, Question(name, fires=name.startswith("fires")), stretches)


def _end(stretch: int, samples: int) -> tuple[Phase, ...]:
    """Return an outage that goes on and ends so many samples before the end of the stretch."""
    return Phase(stretch - samples, 0, _EVENTS), Phase(samples, _EVENTS, 0)


def _share(samples: int, bad: float, traffic: int = 1) -> Phase:
    count = round(_EVENTS * bad)
    return Phase(samples, traffic * (_EVENTS - count), traffic * count)
