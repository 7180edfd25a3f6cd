"""Write promtool tests for each burn-rate tier: what fires, what stays silent, what clears, and when.

The expectations come from bongsu/slo/oracle.py and from the SLO, not from the compiled rules, so that a wrong factor,
window, selector, severity or comparison in those turns a test red. Formats: promtool of Prometheus 2.42 and later.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from bongsu.core import conventions as names
from bongsu.core.artefacts import header
from bongsu.core.durations import format_duration
from bongsu.core.emit import dump
from bongsu.slo.example import example
from bongsu.slo.model import threshold
from bongsu.slo.oracle import Definition, Phase, firing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bongsu.slo.example import Example
    from bongsu.slo.model import Slo, Slos, Tier

_SAMPLES_IN_BASE = 5
_SHORT, _COARSE = 3600.0, 6 * 3600.0
_EVENTS = 1_000_000
"""Events of a sample in a steady stream: enough that shares just beside a threshold are whole numbers."""
_JUST = 0.03


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a story is told: seconds between samples, and between evaluations."""

    sample: float
    evaluation: float

    @property
    def samples(self) -> int:
        """Return the samples of one evaluation."""
        return round(self.evaluation / self.sample)


@dataclass(frozen=True, slots=True)
class Story:
    """One replay: what happens, and the evaluations at which the tier must fire or must not."""

    name: str
    phases: tuple[Phase, ...]
    fires: tuple[int, ...] = ()
    silent: tuple[int, ...] = ()
    never: bool = False


def compile_replays(slos: Slos, rule_files: Mapping[str, str], factor: float = 1.0) -> dict[str, str]:
    """Return `{file name: promtool test}`, one a tier, for every SLO that has an example.

    `rule_files` says where the rules of each SLO id lie; `factor` is the time factor they were compiled with.
    """
    return {
        f"{slo.id}-{tier.name}.test.yml": _replay(slo, tier, found, rule_files[slo.id], factor)
        for slo, windows in slos.watched()
        if (found := example(slo)) is not None
        for tier in windows.tiers
    }


def _replay(slo: Slo, tier: Tier, found: Example, rules: str, factor: float) -> str:
    pace = _pace(tier)
    stories = _stories(_definition(tier, slo.objective, pace), tier.events)
    pace = Pace(pace.sample / factor, pace.evaluation / factor)
    content = {
        "rule_files": [rules],
        "evaluation_interval": format_duration(pace.evaluation),
        "tests": [_test(slo, tier, story, found, pace) for story in stories],
    }
    return dump(content, header(slo.span.file))


def _pace(tier: Tier) -> Pace:
    minute = min(60.0, tier.base_seconds / _SAMPLES_IN_BASE)
    if tier.long_seconds <= _SHORT:
        return Pace(minute / 4, minute / 4)
    return Pace(minute, minute if tier.long_seconds <= _COARSE else tier.base_seconds)


def _definition(tier: Tier, objective: float, pace: Pace) -> Definition:
    long, short, base = (
        round(seconds / pace.evaluation) for seconds in (tier.long_seconds, tier.short_seconds, tier.base_seconds)
    )
    return Definition(float(threshold(tier, objective)), long, short, base, tier.events)


@lru_cache(maxsize=256)
def _stories(definition: Definition, events: int) -> tuple[Story, ...]:
    """Return the replays of a definition; SLOs with equal tiers share them."""
    clean = Phase(definition.long + 2 * definition.base, _EVENTS, 0)
    stories = [
        _outage(definition, clean),
        *_beside(definition, clean),
        Story("silent without any traffic", (Phase(clean.evaluations, 0, 0),), never=True),
    ]
    if events > 1:
        stories += _few(definition, events)
    return tuple(stories)


def _few(definition: Definition, events: int) -> list[Story]:
    """Tell of failures without a single success: one less than the floor at once, and a slow stream of them."""
    quiet = Phase(2 * definition.base, 0, 0)
    stream = (quiet, Phase(2 * definition.long, 0, math.ceil(2 * events / definition.long)))
    first = firing(definition, stream).index(True)
    return [
        Story(
            f"silent at {events - 1} bad events and no good one", (quiet, Phase(1, 0, events - 1), quiet), never=True
        ),
        Story(f"fires at {events} bad events and no good one", stream, fires=(first + 1,), silent=(first - 2,)),
    ]


def _outage(definition: Definition, clean: Phase) -> Story:
    """Tell of a total outage after clean history: when it fires and when it clears."""
    lasting = math.ceil(definition.share * definition.long) + 2 * definition.base + definition.short
    phases = (clean, Phase(lasting, 0, _EVENTS), Phase(definition.short + 3 * definition.base, _EVENTS, 0))
    seen = firing(definition, phases)
    first = seen.index(True)
    last = len(seen) - 1 - seen[::-1].index(True)
    return Story(
        "fires in a total outage, and clears after it",
        phases,
        fires=(first + 1, last - 1),
        silent=(first - 2, last + 3),
    )


def _beside(definition: Definition, clean: Phase) -> list[Story]:
    """Tell of bad shares that stay just below and just above the threshold."""
    length = definition.long + 2 * definition.base
    below, above = definition.share * (1 - _JUST), definition.share * (1 + _JUST)
    stories = [Story("silent just below its threshold", (clean, _share(length, below)), never=True)]
    if above < 1:
        stories.append(
            Story("fires just above its threshold", (clean, _share(length, above)), fires=(clean.evaluations + length,))
        )
    return stories


def _share(evaluations: int, bad: float) -> Phase:
    return Phase(evaluations, round(_EVENTS * (1 - bad)), round(_EVENTS * bad))


def _test(slo: Slo, tier: Tier, story: Story, found: Example, pace: Pace) -> dict[str, object]:
    labels = {
        "alertname": slo.alert,
        "alertstate": "firing",
        names.LABEL_SEVERITY: tier.severity,
        names.LABEL_SERVICE: slo.service,
        names.LABEL_RULE: "SLO",
        names.LABEL_TIER: tier.name,
        names.LABEL_LONG: tier.long,
        names.LABEL_SHORT: tier.short,
        names.LABEL_SLO_ID: slo.id,
        names.LABEL_SLO_SERVICE: slo.service,
        names.LABEL_SLO_NAME: slo.name,
    }
    mine = f'ALERTS{{{names.LABEL_TIER}="{tier.name}"}}'
    whole = "ALERTS{" + ", ".join(f'{key}="{value}"' for key, value in labels.items()) + "}"
    length = sum(phase.evaluations for phase in story.phases)
    span = format_duration(length * pace.evaluation)
    asked: list[tuple[str, int, list[dict[str, object]]]] = []
    if story.never:
        asked.append((f"count_over_time({mine}[{span}])", length, []))
    asked += [(mine, at, []) for at in story.silent]
    asked += [(mine, at, [{"labels": whole, "value": 1}]) for at in story.fires]
    return {
        "name": f"{slo.alert} {tier.name}: {story.name}",
        "interval": format_duration(pace.sample),
        "input_series": list(_series(story.phases, found, pace)),
        "promql_expr_test": [
            {"expr": expr, "eval_time": format_duration(at * pace.evaluation), "exp_samples": samples}
            for expr, at, samples in sorted(asked, key=lambda question: question[1])
        ],
    }


def _series(phases: tuple[Phase, ...], found: Example, pace: Pace) -> Iterable[dict[str, str]]:
    """Yield the counters of an example, each growing by what the phases say."""
    for decoy in found.decoys:
        yield {"series": str(decoy), "values": _values([(_EVENTS, sum(p.evaluations for p in phases))], pace.samples)}
    for counter in dict.fromkeys((*found.good, *found.bad)):
        steps = [
            (phase.good * (counter in found.good) + phase.bad * (counter in found.bad), phase.evaluations)
            for phase in phases
        ]
        yield {"series": str(counter), "values": _values(steps, pace.samples)}


def _values(steps: list[tuple[float, int]], samples: int) -> str:
    """Return promtool's notation of a counter that grows by so much in each of so many evaluations."""
    value, parts = 0, ["0"]
    for growth, evaluations in steps:
        count, step = evaluations * samples, round(growth / samples)
        if step * samples == growth:
            parts.append(f"{value + step}+{step}x{count - 1}")
            value += step * count
        else:  # too few to be spread: all at the first sample of each evaluation
            for _ in range(evaluations):
                value += round(growth)
                parts.append(f"{value}+0x{samples - 1}" if samples > 1 else str(value))
    return " ".join(parts)
