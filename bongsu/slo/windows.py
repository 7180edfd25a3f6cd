"""Fit burn-rate tiers to the period and the objective of an SLO.

A packaged tier of 30 days says: alert when so much of the budget went in `long`. Three things make it fit an SLO:

- period: from 28 days on the windows stay and the factor follows from budget share x period / long window, as in
  Sloth; below, the windows of 28 days shrink with the period, as in Pyrra.
- ceiling: factor x budget is the share of bad events that fires. At 90 % and factor 14.4 that is 144 %: never. The
  share stays below `budget + ceiling x (1 - budget)`, and the factor follows.
- outage: how soon a total outage is noticed. It takes share x long window, and the smear of the base window. Where
  that is too long the long window is the longest of a ladder that is short enough.

Who wants tiers of their own writes them in Sloth's format (kind AlertWindows) beside the SLOs: they watch every SLO of
their period as they stand, and one that cannot fire is refused (slo/dead-tier).

Sources: SRE workbook ch. 5 ("low" objectives "could never fire"), research/slo.md 0.1 (measured on Sloth and Pyrra).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from bongsu.core.conventions import SEVERITIES
from bongsu.core.diagnostics import Span
from bongsu.core.durations import format_duration, parse_duration
from bongsu.core.yaml import Node, Reader, load_documents
from bongsu.slo.model import Tier, Windows
from bongsu.slo.timing import seen_after

if TYPE_CHECKING:
    from bongsu.core.diagnostics import Problem
    from bongsu.slo.model import Slo

DAY = 86400.0
SHORTEST_PERIOD = DAY
_SCALED_BELOW = 28 * DAY
_LADDER = tuple(60.0 * m for m in (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1080, 1440, 2880))
"""Window lengths that people read at a glance, in seconds."""
_SLOTHS = {("page", "quick"): "fast", ("page", "slow"): "slow", ("ticket", "quick"): "day", ("ticket", "slow"): "days"}
"""What Sloth calls the four tiers, and what we do."""
_OWN_EVENTS = 5
_SHARE_OF_LONG = 12
"""A short window is a twelfth of its long one (SRE workbook)."""


@dataclass(frozen=True, slots=True)
class TierRule:
    """One tier before it is fitted: `budget` is the share that `long` may spend, durations are seconds.

    Without `ceiling` and `outage` it is the author's own and stays as it stands.
    """

    name: str
    severity: str
    budget: Decimal
    long: float
    short: float
    events: int
    ceiling: Decimal | None = None
    outage: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class WindowRules:
    """A catalogue of tiers, written for one period (seconds), and the window whose rates are recorded.

    Compared by identity: what is fitted is remembered per catalogue, and hashing one costs more than fitting it.
    """

    period: float
    source: str
    base: str
    tiers: tuple[TierRule, ...]


@lru_cache(maxsize=1)
def load_rules() -> WindowRules:
    """Return the packaged tiers."""
    file = resources.files("bongsu.slo") / "tiers" / "30d.yaml"
    rules, problems = parse_rules(file.read_text(encoding="utf-8"), file.name)
    if problems:
        raise ValueError(f"the packaged windows are broken: {problems[0].what}")
    return rules


def parse_rules(text: str, file: str) -> tuple[WindowRules, list[Problem]]:
    """Return the tiers of a windows file and every problem of its form."""
    nodes, problems = load_documents(text, file)
    root = Reader(nodes[0] if nodes else Node({}, Span(file)), problems)
    rules = WindowRules(
        _seconds(root, "period"),
        root.text("source"),
        root.text("base"),
        tuple(_rule(Reader(node, problems, "tiers")) for node in root.sequence("tiers")),
    )
    root.done()
    return rules, problems


def usable(rules: WindowRules) -> bool:
    """Tell whether every window has a length: what was refused while reading has none."""
    return rules.period > 0 and all(tier.long > 0 and tier.short > 0 for tier in rules.tiers)


@lru_cache(maxsize=1024)
def fit(rules: WindowRules, period: str, objective: float, events: int | None = None) -> Windows:
    """Return the tiers that watch an objective (a share strictly between 0 and 1) over a period of at least a day."""
    budget = Decimal(1) - Decimal(repr(objective))
    tiers = [_fitted(rule, rules, parse_duration(period), budget, events) for rule in rules.tiers]
    for i in range(len(tiers) - 1, 0, -1):
        # A ceiling rounds the factor down: it must not fall below that of the next, slower tier.
        if rules.tiers[i - 1].ceiling is not None and tiers[i - 1].factor < tiers[i].factor:
            tiers[i - 1] = replace(tiers[i - 1], factor=tiers[i].factor)
    return Windows(period, rules.source, rules.base, tuple(tiers))


def own_tiers(rules: WindowRules, slo: Slo) -> Windows:
    """Return the tiers of an SLO's policies as they stand; the recorded window is never longer than theirs."""
    tiers = [policy.tier for policy in slo.policies if policy.tier]
    base = min([parse_duration(rules.base), *(tier.long_seconds for tier in tiers)])
    events = _OWN_EVENTS if slo.events is None else slo.events
    placed = tuple(replace(tier, base=format_duration(base), events=events) for tier in tiers)
    return Windows(slo.period, slo.span.file, format_duration(base), placed)


def period_problem(period: str) -> str:
    """Return why a period cannot be watched, in words; empty when it can."""
    if not re.fullmatch(r"[0-9a-z]+", period):
        return f"{period!r} is not a duration"
    try:
        seconds = parse_duration(period)
    except ValueError as error:
        return str(error)
    return "" if seconds >= SHORTEST_PERIOD else f"{period} is shorter than a day: its windows would hold no trend"


def alert_windows(reader: Reader) -> WindowRules:
    """Return the tiers of a Sloth document of kind AlertWindows.

    Source: https://sloth.dev/usage/slo-period-windows/ (apiVersion sloth.slok.dev/v1).
    """
    spec = reader.mapping("spec")
    period = _seconds(spec, "sloPeriod")
    levels = {"page": spec.mapping("page"), "ticket": spec.mapping("ticket")}
    tiers = tuple(_own(levels[level], level, speed) for level, speed in _SLOTHS)
    for inner in (*levels.values(), spec, reader):
        inner.done()
    base = min(min(tier.short, tier.long) for tier in tiers)
    return WindowRules(period, reader.node.span.file, format_duration(base), tiers)


def _own(level: Reader, severity: str, speed: str) -> TierRule:
    reader = level.mapping(speed)
    if not level.has(speed):  # a problem already; its absent keys are none
        reader = Reader(reader.node, [])
    before = len(reader.problems)
    share = Decimal(repr(reader.number("errorBudgetPercent"))) / 100
    name = _SLOTHS[severity, speed]
    paging = SEVERITIES[0] if severity == "page" else SEVERITIES[1]
    rule = TierRule(name, paging, share, _seconds(reader, "longWindow"), _seconds(reader, "shortWindow"), _OWN_EVENTS)
    if reader.has("errorBudgetPercent") and share <= 0:
        what = "a tier that spends nothing of the budget always fires"
        reader.fail("spec/value", reader.span("errorBudgetPercent"), what, "write a share such as 2")
    for key, length in (("longWindow", rule.long), ("shortWindow", rule.short)):
        if reader.has(key) and not length and len(reader.problems) == before:
            reader.fail("spec/value", reader.span(key), f"{key} has no length", "write a duration such as 1h")
    if 0 < rule.long < rule.short:
        what = "the short window is longer than the long one"
        reader.fail("spec/value", reader.span("shortWindow"), what, "swap them")
    reader.done()
    return rule


def _fitted(rule: TierRule, rules: WindowRules, period: float, budget: Decimal, events: int | None) -> Tier:
    base = parse_duration(rules.base)
    least = Decimal(0) if rule.ceiling is None else Decimal(1)
    scale = 1.0 if rule.ceiling is None else min(1.0, period / _SCALED_BELOW)
    # Never below 1: what burns slower than the budget allows breaks no promise (Sloth's 28 days have a 0.93).
    factor = max(least, _plain(rule.budget * Decimal(repr(period / (rule.long * scale)))))
    long, short = rule.long * scale, rule.short * scale
    if rule.ceiling is not None and rule.outage is not None:
        factor = _lowered(factor, budget, rule.ceiling)
        long = _shortened(_minutes(long, base), float(factor * budget), base, rule.outage)
        short = _minutes(min(short, long / _SHARE_OF_LONG), base)
    return Tier(
        rule.name,
        rule.severity,
        factor,
        format_duration(long),
        format_duration(short),
        rules.base,
        rule.events if events is None else events,
    )


def _lowered(factor: Decimal, budget: Decimal, ceiling: Decimal) -> Decimal:
    """Return the factor, or the highest one whose threshold stays under the ceiling."""
    highest = budget + ceiling * (1 - budget)
    if factor <= 1 or factor * budget <= highest:
        return factor
    return _plain((highest / budget).quantize(Decimal("0.01"), ROUND_DOWN))


def _shortened(long: float, share: float, base: float, outage: float) -> float:
    """Return the long window, or the longest that sees a total outage in time; the base window when none does."""
    if seen_after(share, long, base) <= outage:
        return long
    return max((step for step in _LADDER if step <= long and seen_after(share, step, base) <= outage), default=base)


def _minutes(seconds: float, least: float) -> float:
    """Return whole minutes, and not less than the base window."""
    return max(least, seconds // 60 * 60)


def _plain(value: Decimal) -> Decimal:
    """Return the number without an exponent or trailing zeros, to 12 digits: 13.44 and not 13.4400000000000001."""
    return Decimal(format(round(value, 12).normalize(), "f"))


def _rule(reader: Reader) -> TierRule:
    rule = TierRule(
        reader.text("name"),
        reader.choice("severity", SEVERITIES),
        Decimal(repr(reader.number("budget"))),
        _seconds(reader, "long"),
        _seconds(reader, "short"),
        int(reader.number("events")),
        Decimal(repr(reader.number("ceiling"))),
        _seconds(reader, "outage"),
    )
    reader.done()
    return rule


def _seconds(reader: Reader, key: str) -> float:
    reader.text(key)
    return float(reader.parsed(key, parse_duration, 0.0))
