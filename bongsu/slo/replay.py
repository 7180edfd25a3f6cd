"""Write promtool tests of what is compiled from an SLO: of its recordings, of each of its alerts, and of all together.

- Each tier's alert alone, fed with recorded base rates: fires, stays silent and clears, exact to one sample.
- The recordings: bongsu/slo/replay_records.py. The absence alert: bongsu/slo/replay_absence.py.
- From raw series through every rule of the SLO, for its fastest tier: that the parts fit together, in order.

Each test comes with a rule file of its own that holds only the rules it is about: promtool evaluates every rule it
loads for every test. The expectations come from bongsu/slo/oracle.py and from the SLO, not from the compiled rules, so
that a wrong factor, window, selector, severity or comparison turns a test red. Formats: promtool of Prometheus 2.42.
"""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING

from bongsu.core import conventions as names
from bongsu.core.artefacts import header
from bongsu.core.durations import format_duration
from bongsu.core.emit import dump
from bongsu.core.replay import Replay
from bongsu.core.vectors import UnsteadyError
from bongsu.slo.absence import NAME as ABSENT
from bongsu.slo.absence import counts_series, job_of
from bongsu.slo.example import example, shared
from bongsu.slo.model import threshold
from bongsu.slo.oracle import Definition, Phase
from bongsu.slo.replay_absence import hold_test, story_test
from bongsu.slo.replay_events import events_test
from bongsu.slo.replay_levels import levels_test
from bongsu.slo.replay_records import BAD, TOTAL, ids, other, selector, shares_test
from bongsu.slo.rule_texts import rule_texts
from bongsu.slo.stories import detection, reset, timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bongsu.slo.example import Example
    from bongsu.slo.model import Slo, Slos, Tier, Windows
    from bongsu.slo.rule_texts import RuleTexts
    from bongsu.slo.stories import Timeline

_SAMPLES_IN_BASE = 5
_SHORT, _COARSE = 3600.0, 6 * 3600.0
_ASIDE = 20
"""A question comes a 20th of a sample after each sample, so that no window begins or ends at one: versions of
Prometheus differ in whether such a sample is in it. The share adds up from question to question and stays below one."""
_EVENTS = 1_000_000
_GAP = 4
_STEPS, _LOOKBACK = 20, 240.0
"""Into how many steps the time is cut for which an alert must hold, each shorter than PromQL looks back."""


def compile_replays(slos: Slos, rules: Mapping[str, str], factor: float = 1.0) -> list[Replay]:
    """Return the replays of every SLO; `rules` holds the text of each SLO's rule file by its id.

    `factor` is the time factor the rules were compiled with. Raise ValueError for a file that lacks rules.
    """
    return [
        replay
        for slo, windows in slos.watched()
        for replay in _replays(slo, windows, rule_texts(rules[slo.id]), factor)
    ]


def sample_seconds(tier: Tier) -> float:
    """Return the seconds between the samples of a tier's replay: how exactly it is asked for its times."""
    minute = min(60.0, tier.base_seconds / _SAMPLES_IN_BASE)
    if tier.long_seconds <= _SHORT:
        return minute / 4
    return minute if tier.long_seconds <= _COARSE else tier.base_seconds


def definition(tier: Tier, objective: float) -> Definition:
    """Return a tier in samples of its replay."""
    sample = sample_seconds(tier)
    long, short, base = (round(s / sample) for s in (tier.long_seconds, tier.short_seconds, tier.base_seconds))
    return Definition(float(threshold(tier, objective)), long, short, base, tier.events)


def _replays(slo: Slo, windows: Windows, rules: RuleTexts, factor: float) -> Iterable[Replay]:
    absent = [rule for rule in rules.alerts() if rule.lstrip().startswith(f"- alert: {ABSENT}\n")]
    alerts = [rule for rule in rules.alerts() if rule not in absent]
    base = names.events_record(windows.base)
    if len(alerts) < len(windows.tiers):
        raise ValueError(f"{len(alerts)} alerts for {len(windows.tiers)} tiers of {slo.id}")
    for tier, alert in zip(windows.tiers, alerts, strict=False):
        yield _replay(slo, tier.name, rules.file(alert), _alert_test(slo, tier, factor))
        if tier.hold:
            yield _replay(slo, f"{tier.name}-hold", rules.file(alert), _hold_test(slo, tier, factor))
    for rule in absent if factor == 1.0 else ():
        yield from _absence(slo, windows, rules.file(rule))
    shares = rules.file(*rules.recordings(base, of=False))
    yield _replay(slo, "shares", shares, shares_test(slo, windows, factor))
    found, events = example(slo), rules.file(*rules.recordings(base, of=True))
    if found is None:
        with suppress(UnsteadyError):  # without_events() says so
            yield _replay(slo, "events", events, levels_test(slo, windows, factor))
        return
    yield _replay(slo, "events", events, events_test(slo, windows, found, factor))
    fastest = min(windows.tiers, key=lambda tier: tier.long_seconds)
    if fastest.long_seconds <= _SHORT:
        yield _replay(slo, "whole", rules.file(*rules.rules), _whole_test(slo, fastest, found, factor))


def _absence(slo: Slo, windows: Windows, rules: str) -> Iterable[Replay]:
    if job_of(slo):
        yield _replay(slo, "target-down", rules, hold_test(slo))
    if counts_series(slo):
        yield _replay(slo, "absence", rules, story_test(slo, windows))


def _replay(slo: Slo, part: str, rules: str, test: dict[str, object]) -> Replay:
    name = f"{slo.id}-{part}"
    return Replay(name, slo.id, rules, dump({"rule_files": [f"{name}.rules.yml"], **test}, header(slo.span.file)))


def _alert_test(slo: Slo, tier: Tier, factor: float) -> dict[str, object]:
    story, sample = timeline(definition(tier, slo.objective)), sample_seconds(tier) / factor
    asked = [
        {
            "expr": f"ALERTS # {question.name}",
            "eval_time": format_duration(number * _interval(story.stretch, sample)),
            # An alert that must hold for some time is pending at first: an evaluation is longer than that.
            "exp_samples": _firing(slo, tier, pending=tier.hold > 0 and not question.fired) if question.fires else [],
        }
        for number, question in story.questions.items()
    ]
    return {
        "evaluation_interval": format_duration(_interval(story.stretch, sample)),
        "tests": [
            {
                "name": f"{slo.alert} {tier.name}",
                "interval": format_duration(sample),
                "input_series": _recorded(slo, tier, story, sample),
                "promql_expr_test": asked,
            }
        ],
    }


def _interval(samples: int, sample: float) -> float:
    return samples * sample + sample / _ASIDE


def _recorded(slo: Slo, tier: Tier, story: Timeline, sample: float) -> list[dict[str, str]]:
    """Return the recorded rates of an SLO, and those of another in an outage while this one must be silent."""
    silent = next(number for number, asked in story.questions.items() if "just below" in asked.name)
    length = round(tier.base_seconds / sample_seconds(tier))
    outage = f"_x{silent * story.stretch - length} {_EVENTS}x{length}"
    mine, foreign = ids(slo), ids(slo) | {names.LABEL_SLO_ID: other(slo)}
    record = names.events_record(tier.base)
    return [
        {
            "series": selector(record, mine | {names.LABEL_EVENTS: BAD}),
            "values": _values(story, story.rates.bad, sample),
        },
        {
            "series": selector(record, mine | {names.LABEL_EVENTS: TOTAL}),
            "values": _values(story, story.rates.total, sample),
        },
        *(
            {"series": selector(record, foreign | {names.LABEL_EVENTS: kind}), "values": outage}
            for kind in (BAD, TOTAL)
        ),
    ]


def _values(story: Timeline, rates: tuple[float, ...], sample: float) -> str:
    """Return promtool's notation of rates per second, given those per sample.

    Without traffic the first stretch holds zeros; later ones hold none but the first and the last: promtool's time is
    evaluations and samples, and no sample is as good as a zero.
    """
    quiet = [not bad and not total for bad, total in zip(story.rates.bad, story.rates.total, strict=True)]
    parts, at = [], 0
    for (rate, idle), run in groupby(zip(rates, quiet, strict=True)):
        length = sum(1 for _ in run)
        if idle and at and length > _GAP:
            parts.append(f"0 _x{length - 2} 0")
        else:
            parts.append(f"{rate / sample!r}x{length - 1}" if length > 1 else repr(rate / sample))
        at += length
    return " ".join(parts)


def _firing(slo: Slo, tier: Tier, by: Mapping[str, str] | None = None, *, pending: bool = False) -> list[object]:
    """Return the series of a tier's alert that fires, or waits to; `by` are labels a query groups by."""
    labels = {
        **(by or {}),
        **ids(slo),
        **slo.alert_labels.get(tier.severity, {}),
        "alertname": slo.alert,
        "alertstate": "pending" if pending else "firing",
        names.LABEL_SEVERITY: tier.severity,
        names.LABEL_SERVICE: slo.service,
        names.LABEL_RULE: "SLO",
        names.LABEL_TIER: tier.name,
        names.LABEL_LONG: tier.long,
        names.LABEL_SHORT: tier.short,
    }
    return [{"labels": selector("ALERTS", labels), "value": 1}]


def _hold_test(slo: Slo, tier: Tier, factor: float) -> dict[str, object]:
    """Tell of a total outage from time 0 on: pending until the alert has held for its time, exact to a step."""
    hold = tier.hold / factor
    steps = max(_STEPS, math.ceil(tier.hold / _LOOKBACK))
    record = names.events_record(tier.base)
    rates = [
        {"series": selector(record, ids(slo) | {names.LABEL_EVENTS: kind}), "values": f"{_EVENTS}x{steps}"}
        for kind in (BAD, TOTAL)
    ]
    asked = [
        {
            "expr": f"ALERTS # {name}",
            "eval_time": format_duration(at * hold / steps),
            "exp_samples": _firing(slo, tier, pending=at < steps),
        }
        for name, at in (("pending at once", 0), ("pending just before", steps - 1), ("fires when it has held", steps))
    ]
    return {
        "evaluation_interval": format_duration(hold / steps),
        "tests": [
            {
                "name": f"{slo.alert} {tier.name}: holds for {format_duration(tier.hold)}",
                "interval": format_duration(hold / steps),
                "input_series": rates,
                "promql_expr_test": asked,
            }
        ],
    }


def _whole_test(slo: Slo, tier: Tier, found: Example, factor: float) -> dict[str, object]:
    """Tell of one total outage in the system's own series; every rule is evaluated at every sample."""
    defined, sample = definition(tier, slo.objective), sample_seconds(tier) / factor
    onset, end, clean = detection(defined, 1.0), reset(defined), defined.long + 2 * defined.base
    held = math.ceil(tier.hold / sample_seconds(tier))
    outage = onset.first + held + defined.long
    by = shared(found.by, [*found.good, *found.bad]) or {}
    phases = (Phase(clean, _EVENTS, 0), Phase(outage, 0, _EVENTS), Phase(end.first + 2, _EVENTS, 0))
    mine = f'ALERTS{{{names.LABEL_TIER}="{tier.name}", alertstate="firing"}}'
    asked = [
        ("silent until a total outage is noticed", clean + onset.last + held - 1, False),
        ("fires when a total outage is noticed", clean + onset.first + held + 1, True),
        ("fires until a total outage is forgotten", clean + outage + end.last - 1, True),
        ("clears after a total outage", clean + outage + end.first + 2, False),
    ]
    return {
        "evaluation_interval": format_duration(sample),
        "tests": [
            {
                "name": f"{slo.alert} {tier.name}, from raw series through every rule",
                "interval": format_duration(sample),
                "input_series": list(_counters(phases, found)),
                "promql_expr_test": [
                    {
                        "expr": f"{mine} # {name}",
                        "eval_time": format_duration(at * sample),
                        "exp_samples": _firing(slo, tier, by) if fires else [],
                    }
                    for name, at, fires in asked
                ],
            }
        ],
    }


def _counters(phases: tuple[Phase, ...], found: Example) -> Iterable[dict[str, str]]:
    """Yield the counters of an example, each growing by what the phases say."""
    for decoy in found.decoys:
        yield {"series": str(decoy), "values": f"0+{_EVENTS}x{sum(phase.evaluations for phase in phases)}"}
    for counter in dict.fromkeys((*found.good, *found.bad)):
        value, parts = 0, ["0"]
        for phase in phases:
            step = round(phase.good) * (counter in found.good) + round(phase.bad) * (counter in found.bad)
            parts.append(f"{value + step}+{step}x{phase.evaluations - 1}")
            value += step * phase.evaluations
        yield {"series": str(counter), "values": " ".join(parts)}


def without_events(slos: Slos) -> dict[str, str]:
    """Return the ids of the SLOs whose events cannot be replayed from raw series, each with the reason."""
    without = {}
    for slo, windows in slos.watched():
        try:
            if example(slo) is None:
                levels_test(slo, windows, 1.0)
        except UnsteadyError as error:
            without[slo.id] = f"{error}; its alerts are, from recorded rates"
    return without
