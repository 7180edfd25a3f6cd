"""Write the promtool tests of an SLO's absence alert: how long it holds, and what it tells in a story of 34 days.

They play the rule at its true windows only: an instant looks back five minutes whatever the time factor is.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from bongsu.core import conventions as names
from bongsu.core.durations import format_duration
from bongsu.slo.absence import HOLD, NAME, NEVER_BORN, TARGET_DOWN, job_of, labels_of, reasons
from bongsu.slo.absence_story import DAY, END, EVERY, GRID, STORY, state
from bongsu.slo.replay_records import BAD, TOTAL, ids, other, selector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bongsu.slo.absence_story import Spans
    from bongsu.slo.model import Slo, Windows

_STEP = HOLD / 2
_ONE_UP, _DOWN, _BACK, _GONE, _LAST = 4, 8, 12, 16, 20
"""Steps from which: one of two instances answers, none does, one is back, the series are gone; and the end."""
_MINUTE, _DAYS, _BORN = 60, 3, 30 * 3600 + 180
_QUESTIONS = 40
"""At most so many of the times at which nothing changes are asked about: each question reads the whole story."""


def hold_test(slo: Slo) -> dict[str, object]:
    """Return the test of `target_down`: pending at once, fires when it has held, clears with the first instance."""
    job = job_of(slo)

    def up(instance: str, values: str, of: str = job) -> dict[str, str]:
        return {"series": selector("up", {"job": of, "instance": instance}), "values": values}

    story = {0: "", _ONE_UP: "", _DOWN: "pending", _DOWN + 1: "pending", _DOWN + 2: "firing", _BACK - 1: "firing"}
    story |= {_BACK: "", _GONE - 1: "", _GONE: "pending", _GONE + 2: "firing", _LAST: "firing"}
    return {
        "evaluation_interval": format_duration(_STEP),
        "tests": [
            {
                "name": f"{NAME} of {slo.id}: no instance answers",
                "interval": format_duration(_STEP),
                "input_series": [
                    up("a", f"1x{_ONE_UP - 1} 0x{_GONE - _ONE_UP - 1} stale"),
                    up("b", f"1x{_DOWN - 1} 0x{_BACK - _DOWN - 1} 1x{_GONE - _BACK - 1} stale"),
                    up("a", f"1x{_LAST}", f"{job}-other"),
                ],
                "promql_expr_test": [
                    _asked(slo, f"{word or 'silent'} at step {at}", at * _STEP, {TARGET_DOWN: word} if word else {})
                    for at, word in story.items()
                ],
            }
        ],
    }


def story_test(slo: Slo, windows: Windows) -> dict[str, object]:
    """Return the test of a story in which all comes and goes, and of one sample that only the finest looks see."""
    return {"evaluation_interval": format_duration(EVERY), "tests": [_long(slo, windows), _one_sample(slo, windows)]}


def _long(slo: Slo, windows: Windows) -> dict[str, object]:
    """Tell of target, rules and total, each beside those of another SLO."""
    mine, foreign = ids(slo), ids(slo) | {names.LABEL_SLO_ID: other(slo)}
    always: Spans = ((0, END),)
    base, hour = names.events_record(windows.base), names.events_record("1h")
    total, bad = {names.LABEL_EVENTS: TOTAL}, {names.LABEL_EVENTS: BAD}
    series = [
        *((record, mine | bad, always) for record in (base, hour)),
        *((record, foreign | total, always) for record in (base, hour)),
        (base, mine | total, STORY.counted),
        (hour, mine | total, STORY.hourly),
        (names.SLO_OBJECTIVE, foreign, always),
        (names.SLO_OBJECTIVE, mine, STORY.rules),
    ]
    inputs = [{"series": selector(record, labels), "values": _there(spans)} for record, labels, spans in series]
    if job := job_of(slo):
        inputs += [
            {"series": selector("up", {"job": job, "instance": "a"}), "values": _up(STORY.up)},
            {"series": selector("up", {"job": f"{job}-other", "instance": "a"}), "values": _up(always)},
        ]
    return {
        "name": f"{NAME} of {slo.id}: {END // DAY} days",
        "interval": format_duration(GRID),
        "input_series": inputs,
        "promql_expr_test": [
            _asked(slo, f"evaluation {number}", number * EVERY, found) for number, found in _changes(slo)
        ],
    }


def _one_sample(slo: Slo, windows: Windows) -> dict[str, object]:
    """Tell of a total that has one sample in its life, between whole steps: a day without it begins a day later."""
    total = ids(slo) | {names.LABEL_EVENTS: TOTAL}
    here = f"1x{_DAYS * DAY // _MINUTE}"
    born = selector(names.events_record(windows.base), total)
    inputs = [
        {"series": selector(names.SLO_OBJECTIVE, ids(slo)), "values": here},
        {"series": born, "values": f"_x{_BORN // _MINUTE} 1"},
    ]
    if job := job_of(slo):
        inputs.append({"series": selector("up", {"job": job}), "values": here})
    before, after = _BORN // EVERY, (_BORN + DAY) // EVERY
    story = {before: "firing", before + 1: "", after: "", after + 1: "pending", after + 2: "firing"}
    return {
        "name": f"{NAME} of {slo.id}: one sample",
        "interval": format_duration(_MINUTE),
        "input_series": inputs,
        "promql_expr_test": [
            _asked(slo, f"{word or 'silent'} at evaluation {at}", at * EVERY, {NEVER_BORN: word} if word else {})
            for at, word in story.items()
        ],
    }


def _changes(slo: Slo) -> Iterable[tuple[int, dict[str, str]]]:
    """Yield what the alert says around each change, and now and then where nothing changes.

    The rule holds for less than the time between two evaluations: what is missing at one is pending, at two it fires.
    """
    states = _states(reasons(slo))
    for number in range(1, len(states)):
        before, now = states[number - 1 : number + 1]
        after = states[min(number + 1, len(states) - 1)]
        if before is None or now is None:
            continue
        if before != now or now != after or number % (len(states) // _QUESTIONS) == 0:
            yield number, {reason: "firing" if reason in before else "pending" for reason in now}


@lru_cache(maxsize=16)
def _states(wanted: tuple[str, ...]) -> tuple[frozenset[str] | None, ...]:
    """Return what is missing at each evaluation; the story is the same for all SLOs that have the same reasons."""
    return tuple(state(STORY, now, wanted) for now in range(0, END, EVERY))


def _asked(slo: Slo, name: str, at: float, found: dict[str, str]) -> dict[str, object]:
    named = (names.LABEL_SLO_ID, names.LABEL_SLO_SERVICE, names.LABEL_SLO_NAME)
    own, samples = {name: ids(slo)[name] for name in named}, []
    for reason, word in found.items():
        labels = labels_of(slo, own) | {names.LABEL_REASON: reason, names.LABEL_ALERT: NAME, "alertstate": word}
        samples.append({"labels": selector("ALERTS", labels), "value": 1})
    return {"expr": f"ALERTS # {name}", "eval_time": format_duration(at), "exp_samples": samples}


def _there(spans: Spans) -> str:
    """Return samples in the spans and none elsewhere."""
    return _values(spans, "_")


def _up(spans: Spans) -> str:
    """Return 1 in the spans and 0 elsewhere."""
    return _values(spans, "0")


def _values(spans: Spans, elsewhere: str) -> str:
    parts, at = [], 0
    for start, last in (*spans, (END + GRID, END)):
        if gap := start // GRID - at:
            parts.append(f"_x{gap}" if elsewhere == "_" else f"{elsewhere}x{gap - 1}")
        if count := (last - start) // GRID + 1:
            parts.append(f"1x{count - 1}")
        at = last // GRID + 1
    return " ".join(parts)
