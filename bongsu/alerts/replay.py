"""Write promtool tests of threshold alerts: each level fires, is silent just below its threshold and floor, and clears.

What to feed follows from the expression as its author wrote it: bongsu/core/crossing.py finds steady worlds just on
either side of each threshold, and bongsu/core/steady.py says what is to be expected there, so that a rule whose
threshold, comparison, severity, labels, selectors, `for` or `keep_firing_for` is not what the file says turns red. How
a rule behaves while a window is half full is not asked: worlds last longer than an expression remembers. Each test has
a rule file of its own. Formats: promtool of Prometheus 2.42.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from bongsu.alerts.compile import file_name, labels_of
from bongsu.core.artefacts import header
from bongsu.core.crossing import SHARES, Edge, decoys, edge, levels, parts_of, scaled
from bongsu.core.durations import format_duration
from bongsu.core.emit import dump
from bongsu.core.promql import THRESHOLD, arms, bare, compress, fill, selectors
from bongsu.core.replay import Replay, question, samples_text
from bongsu.core.steady import Memory, World, memory, parsed, series_of, value
from bongsu.core.vectors import NAME, UnsteadyError
from bongsu.slo.model import decimal_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from bongsu.alerts.model import Alert, Level
    from bongsu.core.crossing import Amounts, Part, Parts
    from bongsu.core.series import Series
    from bongsu.core.vectors import Labels

_MINUTE, _LOOKBACK = 60.0, 300.0
"""Seconds between samples, and how old a sample may be that still counts as what is now."""
_SAMPLES, _MOST_SAMPLES = 5, 2000
"""Samples in the shortest range of an expression, and about as many in the longest: promtool loads 10,000."""
_ASIDE = 20
"""Questions lie a 20th of a sample beside samples: versions differ in whether a sample at a window's edge is in it."""
_STEPS, _MOST_STEPS, _LEAD = 5, 2000, 20
"""Into how many steps a waiting time is cut, the most there may be in a test, and those before it begins."""
_NONE = (0.0,)
"""What another replica has where any more than nothing is too much."""
_LOUDER, _LATER = 1e3, 10


@dataclass(frozen=True, slots=True)
class _Subject:
    """An alert, each level with the trees of its expression and of that with another threshold; times of its rule."""

    alert: Alert
    trees: tuple[tuple[Level, Any, Any], ...]
    memory: Memory
    hold: float
    keep: float

    @property
    def sample(self) -> float:
        """Return the seconds between samples."""
        sparse = min(max(_MINUTE, self.memory.longest / _MOST_SAMPLES), _LOOKBACK * (1 - 1 / _SAMPLES))
        return min(sparse, self.memory.shortest / _SAMPLES) if self.memory.shortest else sparse

    def step(self, *, remembers: bool) -> float:
        """Return seconds between evaluations: more than the expression remembers and than the alert waits.

        What `remembers` looks back further, and is to see what was before.
        """
        look = max(self.memory.second if remembers else self.memory.longest, _LOOKBACK)
        needed = max(look + 2 * self.sample, self.hold, self.keep)
        return (math.ceil(needed / self.sample) + 1 / _ASIDE) * self.sample


@dataclass(frozen=True, slots=True)
class _Case:
    """One way to fire: a level and the alternative it is about, and where its edge is; `remembers`: see `step`.

    `decoys` stand beside it all the time.
    """

    level: Level
    name: str
    tree: Any
    counters: frozenset[str]
    edge: Edge
    remembers: bool
    decoys: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _Phase:
    """Amounts that stand until evaluation `end`, ages in them counted back from evaluation `then`; None: no series."""

    name: str
    amounts: Amounts | None
    end: int
    then: int


def compile_alert_replays(
    alerts: Iterable[Alert], rules: Mapping[str, str], factor: float = 1.0
) -> tuple[list[Replay], dict[str, str]]:
    """Return the replays of threshold alerts, and by the name of each alert that has none the reason why.

    `rules` holds the text of each rule file by its name; `factor` is the time factor they were compiled with.
    """
    made: list[Replay] = []
    without: dict[str, str] = {}
    for alert in alerts:
        try:
            made += _replays(alert, rules[file_name(alert)], factor)
        except UnsteadyError as error:
            without[alert.name] = str(error)
    return made, without


def _replays(alert: Alert, rules: str, factor: float) -> list[Replay]:
    def tree(limit: float) -> Any:
        text = fill(bare(alert.expr.text), {THRESHOLD: decimal_text(Decimal(repr(limit)))})
        return parsed(compress(text, factor))

    trees = tuple((level, tree(level.threshold), tree(level.threshold * 1.5 or 0.5)) for level in alert.levels)
    subject = _Subject(alert, trees, memory(trees[0][1]), alert.hold / factor, alert.keep / factor)
    made = list(_levels_replays(subject, rules))
    made += [_hold_replay(subject, rules)] if subject.hold else []
    return made + ([_keep_replay(subject, rules)] if subject.keep else [])


def _levels_replays(subject: _Subject, rules: str) -> Iterator[Replay]:
    """Yield the replay of all levels: the one of steady worlds, or one in which what was before matters."""
    cases = list(_cases(subject, lambda remembers: subject.step(remembers=remembers)))
    for remembers in sorted({case.remembers for case in cases}):
        tests = [_levels_test(subject, case) for case in cases if case.remembers == remembers]
        part = "levels-after" if remembers else "levels"
        yield _replay(subject, part, rules, subject.step(remembers=remembers), tests)


def _replay(subject: _Subject, part: str, rules: str, step: float, tests: list[dict[str, object]]) -> Replay:
    name = f"alert-{subject.alert.name}-{part}"
    test = {"rule_files": [f"{name}.rules.yml"], "evaluation_interval": format_duration(step), "tests": tests}
    return Replay(name, subject.alert.name, rules, dump(test, header(subject.alert.span.file)))


def _cases(subject: _Subject, now: Callable[[bool], float]) -> Iterator[_Case]:
    """Yield a case for each level and alternative (`or`) that compares with the threshold.

    `now` says when edges are looked for, given whether what was before matters. Raise UnsteadyError without an edge.
    """
    alternatives = [both for both in arms(_text(subject)) if any(THRESHOLD in arm.right for arm in both)]
    for (level, tree, other), (number, both) in product(subject.trees, enumerate(alternatives, start=1)):
        name = f"{level.severity}, alternative {number}" if len(alternatives) > 1 else level.severity
        wanted = [one for arm in both for side in (arm.left, arm.right) for one in selectors(side)]
        why = f"no series were found with which it just fires as {name}"
        for remembers, shares in product(_ways(subject), SHARES if level.threshold else (_NONE, *SHARES)):
            parts = parts_of(_text(subject).replace(THRESHOLD, "1"), (level.threshold,), wanted, shares)
            try:
                found = _edge(subject, parts, (tree, other), now(remembers), remembers=remembers)
            except UnsteadyError as error:
                why = str(error)
                continue
            if found:
                beside = decoys(found.parts, selectors(_text(subject)), parts.counters)
                yield _Case(level, name, tree, parts.counters, found, remembers, beside)
                break
        else:
            raise UnsteadyError(why)


def _text(subject: _Subject) -> str:
    return bare(subject.alert.expr.text)


def _ways(subject: _Subject) -> tuple[bool, ...]:
    """Return whether what was before may matter: first not, then, where some range is longer than others, so."""
    return (False, True) if subject.memory.second < subject.memory.longest else (False,)


def _edge(subject: _Subject, parts: Parts, trees: tuple[Any, Any], now: float, *, remembers: bool) -> Edge | None:
    """Return where the first of two trees begins to give series, if it is not where the second one does."""

    def fires(chosen: Sequence[Part], tree: Any, at: float, amounts: Amounts, quiet: Amounts) -> bool:
        there, before = levels(chosen, amounts, at), levels(chosen, quiet, at)
        world = World(there, parts.counters, at, (before,), subject.memory.second if remembers else math.inf)
        return bool(series_of(value(tree, world)))

    for chosen in parts.choices:
        first, second = (partial(fires, chosen, tree, now) for tree in trees)
        found = edge(chosen, first, second, now, remembers=remembers)
        # An instant that was taken for a level wanders away from the edge while time passes.
        later = partial(fires, chosen, trees[0], _LATER * now)
        if found and later(found.above, found.quietly) and not later(found.below, found.quietly):
            return found
    return None


def _levels_test(subject: _Subject, case: _Case) -> dict[str, object]:
    """Tell of worlds just on either side of a threshold, of a floor beside it, and of none."""
    step, quiet = subject.step(remembers=case.remembers), case.edge.below
    told = [
        *([("silent far below its threshold", case.edge.quietly)] if case.remembers else []),
        ("silent just below its threshold", quiet),
        ("fires just above its threshold", case.edge.above),
        ("clears just below its threshold", quiet),
    ]
    if not case.remembers and (floor := scaled(case.edge, partial(_fires, case, step))):
        told += [("silent just below its floor", floor.below), ("fires just above its floor", floor.above)]
    told_last: list[tuple[str, Amounts | None]] = [*told, ("without any series", None)]
    times = 2 if subject.hold or subject.keep else 1
    first = math.ceil(subject.memory.longest / step) if case.remembers else 0
    ends = [first + times * i for i in range(1, len(told_last) + 1)]
    phases = [_Phase(name, amounts, end, end) for (name, amounts), end in zip(told_last, ends, strict=True)]
    if case.remembers and (ends[-1] - first) * step > subject.memory.longest:
        raise UnsteadyError("it forgets what was before sooner than a test of it ends")
    worlds = _worlds(subject, case, phases, step)
    expected = [(level, _states(subject, [value(tree, w) for w in worlds], step)) for level, tree, _ in subject.trees]
    asked = [
        question(
            f"ALERTS # {_phase(phases, number).name}",
            number * step,
            [one for level, states in expected for one in _alerts(subject, level, states[number])],
        )
        for number in range(first + 1, ends[-1] + 1)
    ]
    return _test(f"{subject.alert.name} {case.name}", subject.sample, worlds, step, asked)


def _fires(case: _Case, now: float, amounts: Amounts, _: Amounts) -> bool:
    return bool(series_of(value(case.tree, World(levels(case.edge.parts, amounts, now), case.counters, now))))


def _hold_replay(subject: _Subject, rules: str) -> Replay:
    """Tell of a condition that is true from an instant on: the alert waits for its time, exact to a step."""
    step, begun = subject.hold / _STEPS, _LEAD + 1
    tests = [_hold_test(subject, case, step, begun) for case in _cases(subject, lambda _: begun * step)]
    return _replay(subject, "hold", rules, step, tests)


def _hold_test(subject: _Subject, case: _Case, step: float, begun: int) -> dict[str, object]:
    end = begun + _STEPS
    worlds = _worlds(subject, case, [_before(case), _Phase("", _plainly(case, begun * step), end, begun)], step)
    told = (("pending at once", begun), ("pending just before", end - 1), ("fires when it has held", end))
    found = frozenset(series_of(value(case.tree, worlds[begun])))
    asked = [
        _question(subject, case, name, at * step, dict.fromkeys(found, "firing" if at == end else "pending"))
        for name, at in told
    ]
    name = f"{subject.alert.name} {case.name}: holds for {format_duration(subject.hold)}"
    return _test(name, min(subject.sample, step / 4), worlds, step, asked)


def _keep_replay(subject: _Subject, rules: str) -> Replay:
    """Tell of a condition that ends: the alert fires on for its time, and not for longer than it also remembers."""
    step = max(subject.keep / _STEPS, (subject.memory.longest + subject.hold + subject.keep) / _MOST_STEPS)
    begun = _LEAD + 1
    tests = [_keep_test(subject, case, step, begun) for case in _cases(subject, lambda _: begun * step)]
    return _replay(subject, "keep", rules, step, tests)


def _keep_test(subject: _Subject, case: _Case, step: float, begun: int) -> dict[str, object]:
    last, kept = begun + math.ceil(subject.hold / step) + 1, math.ceil(subject.keep / step)
    end = last + math.ceil(subject.memory.longest / step) + kept + 2
    ended = _Phase("", case.edge.below, end, end)
    worlds = _worlds(subject, case, [_before(case), _Phase("", _plainly(case, begun * step), last, begun), ended], step)
    found = dict.fromkeys(series_of(value(case.tree, worlds[last])), "firing")
    asked = [
        _question(subject, case, "fires", last * step, found),
        _question(subject, case, "fires on after its condition", (last + kept) * step, found),
        _question(subject, case, "clears in the end", end * step, {}),
    ]
    name = f"{subject.alert.name} {case.name}: keeps firing for {format_duration(subject.keep)}"
    return _test(name, min(subject.sample, step / 4), worlds, step, asked)


def _before(case: _Case) -> _Phase:
    """Return what stands before a condition becomes true: nothing, unless it matters."""
    return _Phase("", case.edge.quietly if case.remembers else None, _LEAD, _LEAD)


def _plainly(case: _Case, now: float) -> Amounts:
    """Return amounts beyond any doubt: so many events that a window that is hardly begun holds enough."""
    louder = tuple(
        amount * _LOUDER if part.counter else amount
        for part, amount in zip(case.edge.parts, case.edge.plainly, strict=True)
    )
    return louder if not case.remembers and _fires(case, now, louder, louder) else case.edge.plainly


def _phase(phases: Sequence[_Phase], number: int) -> _Phase:
    return next(phase for phase in phases if number <= phase.end)


def _worlds(subject: _Subject, case: _Case, phases: Sequence[_Phase], step: float) -> list[World]:
    """Return the world of each evaluation, the first at time 0, when there is nothing yet."""
    worlds = [World({}, case.counters)]
    before: tuple[dict[Series, float], ...] = ()
    beside = levels(case.decoys, (1.0,) * len(case.decoys), 0.0)
    for phase in phases:
        there = levels(case.edge.parts, phase.amounts, phase.then * step) if phase.amounts is not None else {}
        there |= beside
        settled = subject.memory.second if case.remembers else math.inf
        numbers = range(len(worlds), phase.end + 1)
        worlds += [World(there, case.counters, number * step, before, settled) for number in numbers]
        before = (*before, there)
    return worlds


def _states(subject: _Subject, found: list[Any], step: float) -> list[dict[Labels, str]]:
    """Return the state of each series of an alert at each evaluation, given what its expression gives there."""
    since: dict[Labels, int] = {}
    ended: dict[Labels, int] = {}
    firing: set[Labels] = set()
    states = []
    for number, given in enumerate(found):
        there = set(series_of(given))
        for labels in there:
            since.setdefault(labels, number)
            ended.pop(labels, None)
        for labels in set(since) - there:
            ended.setdefault(labels, number)
            if labels not in firing or (number - ended[labels]) * step >= subject.keep:
                del since[labels]
                firing.discard(labels)
        firing |= {labels for labels, begun in since.items() if (number - begun) * step >= subject.hold}
        states.append({labels: "firing" if labels in firing else "pending" for labels in since})
    return states


def _question(subject: _Subject, case: _Case, name: str, at: float, states: Mapping[Labels, str]) -> dict[str, object]:
    mine = f'ALERTS{{severity="{case.level.severity}"}}'
    return question(f"{mine} # {name}", at, _alerts(subject, case.level, states))


def _alerts(subject: _Subject, level: Level, states: Mapping[Labels, str]) -> list[tuple[dict[str, str], float]]:
    """Return the series `ALERTS` of a level."""
    rule = {NAME: "ALERTS", "alertname": subject.alert.name, **labels_of(subject.alert, level)}
    return [
        ({label: text for label, text in labels if label != NAME} | rule | {"alertstate": state}, 1.0)
        for labels, state in states.items()
    ]


def _test(
    name: str, sample: float, worlds: Sequence[World], step: float, asked: list[dict[str, object]]
) -> dict[str, object]:
    """Return one promtool test, its series as the worlds of its evaluations say."""
    return {
        "name": name,
        "interval": format_duration(sample),
        "input_series": [
            {"series": str(series), "values": samples_text(series, worlds, step, sample)}
            for series in dict.fromkeys(series for world in worlds for series in world.levels)
        ],
        "promql_expr_test": asked,
    }
