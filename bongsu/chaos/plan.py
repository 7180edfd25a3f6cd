"""Compute what an experiment has to show, and by when: no deadline is typed by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bongsu.alerts.timing import AlertTiming
    from bongsu.chaos.model import Expected, Experiment

MIN_SCRAPES_PER_WINDOW = 5
SLACK_RATIO = 0.5
NOISE_SECONDS = 15.0
"""A deadline is ideal x (1 + SLACK_RATIO) + pipeline + NOISE_SECONDS: shared machines stall for seconds, and a stall is
no lost alert; the evidence shows ideal and seen side by side, so slack hides nothing."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One alert under proof: ideal and latest seconds from fault to firing, and from healing to clearing."""

    expected: Expected
    ideal_fire: float
    fire_within: float
    ideal_clear: float
    clear_within: float


@dataclass(frozen=True, slots=True)
class Plan:
    """All the numbers of one run: seconds, events and what stays unproved."""

    experiment: Experiment
    expectations: tuple[Expectation, ...]
    lead_in: float
    floor: float
    floor_window: float
    deliver_within: float
    not_covered: tuple[str, ...]


def make_plan(experiment: Experiment, timings: Sequence[AlertTiming], *, pipeline: float) -> Plan:
    """Return the plan of an experiment from the timings of all compiled alerts at its factor.

    `pipeline` is the worst seconds from a breach to a delivered notification: scrape, two evaluations, group_wait.
    Raise UsageError when an expected alert is not compiled, cannot fire in a total outage, or traffic cannot reach
    twice the floor in the shortest window.
    """
    chosen = [_timing(expected, timings) for expected in experiment.expects]
    shortest = min(window for timing in timings for window in timing.windows)
    if shortest < MIN_SCRAPES_PER_WINDOW * experiment.scrape:
        raise UsageError(
            f"factor {experiment.factor:g} leaves the shortest window {shortest:g} s, less than "
            f"{MIN_SCRAPES_PER_WINDOW} scrapes of {experiment.scrape:g} s",
            where=str(experiment.span),
            next="lower time.factor or time.scrape",
        )
    floor, floor_window = max((timing.floor, timing.floor_window) for timing in chosen)
    if experiment.rate * floor_window < 2 * floor:
        raise UsageError(
            f"{experiment.rate:g} runs/s give {experiment.rate * floor_window:g} events in the {floor_window:g} s "
            f"window, less than twice the floor of {floor:g}",
            where=str(experiment.span),
            next="raise traffic.rate or lower time.factor",
        )
    for expected, timing in zip(experiment.expects, chosen, strict=True):
        if math.isinf(timing.detect_seconds_at_total_outage):
            raise UsageError(
                f"{expected} cannot fire in a total outage at {experiment.rate:g} runs/s",
                where=str(experiment.span),
                next="raise traffic.rate or lower time.factor",
            )
    names = {expected.alert for expected in experiment.expects}
    return Plan(
        experiment=experiment,
        expectations=tuple(
            Expectation(
                expected,
                fire := timing.detect_seconds_at_total_outage,
                fire * (1 + SLACK_RATIO) + pipeline + NOISE_SECONDS,
                timing.clear_seconds,
                timing.clear_seconds * (1 + SLACK_RATIO) + pipeline + NOISE_SECONDS,
            )
            for expected, timing in zip(experiment.expects, chosen, strict=True)
        ),
        lead_in=max(timing.longest_window for timing in chosen),
        floor=floor,
        floor_window=floor_window,
        deliver_within=pipeline + NOISE_SECONDS,
        not_covered=tuple(
            _describe(timing)
            for timing in timings
            if timing.alert in names and not any(_means(expected, timing) for expected in experiment.expects)
        ),
    )


def _timing(expected: Expected, timings: Sequence[AlertTiming]) -> AlertTiming:
    found = [timing for timing in timings if _means(expected, timing)]
    if not found:
        raise UsageError(f"no compiled alert is {expected}", next="run `bongsu compile` and compare names and labels")
    return found[0]


def _labels(timing: AlertTiming) -> dict[str, str]:
    return {**timing.labels, "alertname": timing.alert, "severity": timing.severity}


def _means(expected: Expected, timing: AlertTiming) -> bool:
    """Tell whether the expected alert is an instance of this rule.

    Labels that the rule does not set (such as kind="run") come from the expression at run time.
    """
    free = {name: value for name, value in expected.labels.items() if name not in timing.labels}
    return expected.matches(_labels(timing) | free)


def _describe(timing: AlertTiming) -> str:
    tier = timing.labels.get("tier")
    return f"{timing.alert} {timing.severity}" + (f" tier={tier}" if tier else "")
