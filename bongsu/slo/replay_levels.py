"""Write the promtool test of the two base recordings of an SLO that counts time, money, gauges, or rates of any shape.

Its queries are the author's own, so what to feed is searched for (bongsu/core/crossing.py): worlds in which all is
good, all is bad, some of it is, what is measured lies just on either side of its limit, nothing is measured, or nothing
counts. What is to be recorded in each follows from what the indicator means (docs/adr/0021-*.md), not from the rules.
Counters of events are replayed exactly instead, with their births: bongsu/slo/replay_events.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache, partial
from itertools import product
from typing import TYPE_CHECKING, Any

from bongsu.core import conventions as names
from bongsu.core.crossing import SHARES, decoys, edge, grid, levels, parts_of
from bongsu.core.durations import format_duration, parse_duration
from bongsu.core.promql import WINDOW, bare, compress, fill, selectors
from bongsu.core.replay import samples_text
from bongsu.core.steady import World, memory, parsed, series_of, value
from bongsu.core.vectors import NAME, Labels, UnsteadyError, without
from bongsu.slo.model import Ratio, Raw, Spend, Threshold, Timeslices, queries
from bongsu.slo.replay_records import BAD, TOTAL, asked, events_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bongsu.core.crossing import Amounts, Part, Parts
    from bongsu.core.series import Series
    from bongsu.slo.model import Indicator, Slo, Windows

Events = dict[Labels, tuple[float, float]]
"""Bad and all events a second, by the labels that the queries group by."""

_MINUTE, _LOOKBACK = 60.0, 300.0
_SAMPLES, _LOOKS = 5, 20
"""Samples in the shortest range of a query; how often rules look at a value in a base window."""
_ASIDE = 41
"""Questions lie a 41st of such a look beside samples and looks, and never on one."""
_ON = 1.0
_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    "lt": lambda number, limit: number < limit,
    "lte": lambda number, limit: number <= limit,
    "gt": lambda number, limit: number > limit,
    "gte": lambda number, limit: number >= limit,
}


@dataclass(frozen=True, slots=True)
class _Subject:
    """An SLO, its base window in seconds of the compiled rules, and what worlds of its queries are made of."""

    slo: Slo
    window: str
    base: float
    factor: float
    parts: Parts

    def events(self, indicator: Indicator, world: World) -> Events:
        """Return what an indicator means in a world."""
        return _events(indicator, self, self.window, world)

    def counts(self, world: World) -> bool:
        """Tell whether anything counts: nothing was excluded in the last base window, looked at 20 times."""
        step = self.base / _LOOKS
        last = math.floor(world.now / step)
        looks = [replace(world, now=(last - back) * step) for back in range(_LOOKS)]
        trees = [_tree(bare(one.expr), self.window, self.factor) for one in self.slo.exclusions]
        return not any(series_of(value(tree, at)) for tree in trees for at in looks)


def levels_test(slo: Slo, windows: Windows, factor: float) -> dict[str, object]:
    """Return the test of the base recordings; raise UnsteadyError where no raw series can be made up for it."""
    query = _either([bare(one.text) for one in queries(slo.indicator)])
    base = parse_duration(windows.base) / factor
    subjects = [
        _Subject(slo, windows.base, base, factor, parts_of(filled, _bounds(slo.indicator), selectors(query), shares))
        for filled in [query.replace(WINDOW, windows.base)]
        for shares in SHARES
    ]
    found = ((subject, _told(subject, chosen)) for subject in subjects for chosen in subject.parts.choices)
    subject, told = next(((subject, told) for subject, told in found if told), (None, None))
    if subject is None or told is None:
        raise UnsteadyError("no series were found with which all of it is good, and bad")
    sample, step = _steps(subject)
    counters = subject.parts.counters
    worlds = [World({}, counters)]
    worlds += [World(there, counters, number * step) for number, (_, there) in enumerate(told, start=1)]
    record = names.events_record(windows.base)
    return {
        "evaluation_interval": format_duration(step),
        "tests": [
            {
                "name": f"{slo.id}: events from raw series",
                "interval": format_duration(sample),
                "input_series": [
                    {"series": str(series), "values": samples_text(series, worlds, step, sample)}
                    for series in dict.fromkeys(series for world in worlds for series in world.levels)
                ],
                "promql_expr_test": [
                    asked(name, world.now, list(_recorded(subject, record, world)), (record,))
                    for (name, _), world in zip(told, worlds[1:], strict=True)
                ],
            }
        ],
    }


def _recorded(subject: _Subject, record: str, world: World) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield what is to be recorded in a world."""
    counted = float(subject.counts(world))
    for labels, both in subject.events(subject.slo.indicator, world).items():
        for kind, number in zip((BAD, TOTAL), both, strict=True):
            yield record, dict(labels) | events_of(subject.slo, kind), number * counted


def _told(subject: _Subject, chosen: Sequence[Part]) -> list[tuple[str, dict[Series, float]]] | None:
    """Return the worlds to tell of, each with its name; None where not all of it can be good, and bad."""
    found: dict[str, Amounts] = {}
    for amounts in product(*(grid(part, _MINUTE) for part in chosen)):
        bad, total = _sums(subject, chosen, subject.slo.indicator, amounts)
        if total > 0:
            kind = "all of it is good" if not bad else "all of it is bad" if bad >= total else "some of it is bad"
            found.setdefault(kind, amounts)
    loud = found.get("all of it is bad", found.get("some of it is bad") if _is_spend(subject) else None)
    if loud is None or "all of it is good" not in found:
        return None
    if limit := _limit(subject, chosen):
        found |= limit
    told = [(name, levels(chosen, amounts, _MINUTE)) for name, amounts in found.items()]
    bystanders = decoys(chosen, [one for q in queries(subject.slo.indicator) for one in selectors(bare(q.text))],
                        subject.parts.counters)  # fmt: skip
    beside = levels(bystanders, (_ON,) * len(bystanders), 0.0)
    told += [("nothing counts", levels(chosen, loud, _MINUTE) | away) for away in _excluded(subject)]
    return [("nothing is measured", beside), *((name, there | beside) for name, there in told)]


def _is_spend(subject: _Subject) -> bool:
    return isinstance(subject.slo.indicator, Spend)


def _sums(subject: _Subject, chosen: Sequence[Part], indicator: Indicator, amounts: Amounts) -> tuple[float, float]:
    world = World(levels(chosen, amounts, _MINUTE), subject.parts.counters, _MINUTE)
    found = list(subject.events(indicator, world).values())
    return sum(bad for bad, _ in found), sum(total for _, total in found)


def _limit(subject: _Subject, chosen: Sequence[Part]) -> dict[str, Amounts] | None:
    """Return the worlds just on either side of a limit, when the indicator has one."""
    indicator, other = subject.slo.indicator, _with_another_limit(subject.slo.indicator)
    if other is None:
        return None

    def bad(of: Indicator, amounts: Amounts, _: Amounts) -> bool:
        return _sums(subject, chosen, of, amounts)[0] > 0

    found = edge(chosen, partial(bad, indicator), partial(bad, other), _MINUTE, remembers=False)
    return {"just within the limit": found.below, "just beyond the limit": found.above} if found else None


def _with_another_limit(indicator: Indicator) -> Indicator | None:
    match indicator:
        case Threshold(limit=limit):
            return replace(indicator, limit=limit * Decimal("1.5") or Decimal("0.5"))
        case Timeslices(target=target) if target is not None:
            return replace(indicator, target=1 - (1 - target) / 2)
        case Timeslices(of=Threshold() as inner):
            return replace(indicator, of=replace(inner, limit=inner.limit * Decimal("1.5") or Decimal("0.5")))
    return None


def _excluded(subject: _Subject) -> Iterator[dict[Series, float]]:
    """Yield the series with which an exclusion returns something, for each that reads any."""
    for one in subject.slo.exclusions:
        text = bare(one.expr)
        if not selectors(text):
            continue  # it reads the clock alone: what it says of each question is in `counts`
        parts = parts_of(text.replace(WINDOW, subject.window), (), selectors(text), ())
        for amounts in product(*(grid(part, _MINUTE) for part in parts.choices[0])):
            there = levels(parts.choices[0], amounts, _MINUTE)
            if series_of(value(_tree(text, subject.window, subject.factor), World(there, parts.counters, _MINUTE))):
                yield there
                break


def _steps(subject: _Subject) -> tuple[float, float]:
    """Return the seconds between samples, and those between questions: more than the rules remember."""
    slices = subject.slo.indicator.length if isinstance(subject.slo.indicator, Timeslices) else subject.window
    texts = [bare(one.text) for one in queries(subject.slo.indicator)]
    looks = [memory(_tree(text, slices, subject.factor)) for text in texts]
    shortest = min((one.shortest for one in looks if one.shortest), default=_MINUTE * _SAMPLES)
    sample = min(_MINUTE, shortest / _SAMPLES)
    slice_ = parse_duration(slices) / subject.factor
    needed = max(one.longest for one in looks) + 2 * subject.base + slice_ + _LOOKBACK + 2 * sample
    aside = max(0.001, round(min(sample, subject.base / _LOOKS) / _ASIDE, 3))
    return sample, math.ceil(needed / sample) * sample + aside


def _events(indicator: Indicator, subject: _Subject, window: str, world: World) -> Events:
    """Return bad and all events a second."""

    def read(text: str) -> dict[Labels, float]:
        found = series_of(value(_tree(bare(text), window, subject.factor), world))
        return {without(labels, (NAME,)): number for labels, number in found.items()}

    match indicator:
        case Ratio(total=total, bad=bad, good=good):
            part = read((bad or good or total).text)
            found = {labels: (part.get(labels, 0.0), number) for labels, number in read(total.text).items()}
            return found if bad else {labels: (whole - some, whole) for labels, (some, whole) in found.items()}
        case Threshold(query=query, op=op, limit=limit):
            numbers = list(read(query.text).values())
            wrong = sum(not _HOLDS[op](number, float(limit)) for number in numbers)
            return {frozenset(): (float(wrong), float(len(numbers)))} if numbers else {}
        case Raw(query=query, success=success):
            shares = [max(0.0, min(1.0, number)) for number in read(query.text).values()]
            wrong_share = sum(1 - share if success else share for share in shares)
            return {frozenset(): (wrong_share, float(len(shares)))} if shares else {}
        case Timeslices(of=inner, length=length, target=target):
            return {
                labels: (_worth(bad_ones / total_ones, target), 1.0)
                for labels, (bad_ones, total_ones) in _events(inner, subject, length, world).items()
                if total_ones > 0
            }
        case Spend(query=query, allowed=allowed):
            whole = float(allowed / Decimal(repr(parse_duration(subject.slo.period))) / subject.slo.budget)
            return {labels: (number, whole) for labels, number in read(query.text).items()}


def _worth(share: float, target: Decimal | None) -> float:
    """Return how bad a slice is, given its bad share."""
    return share if target is None else float(share > float(1 - target))


def _bounds(indicator: Indicator) -> tuple[float, ...]:
    match indicator:
        case Threshold(limit=limit):
            return (float(limit),)
        case Timeslices(of=inner):
            return _bounds(inner)
    return ()


def _either(texts: Sequence[str]) -> str:
    return " or ".join(f"({text})" for text in texts)


@lru_cache(maxsize=256)
def _tree(text: str, window: str, factor: float) -> Any:
    return parsed(compress(fill(text, {WINDOW: window}), factor))
