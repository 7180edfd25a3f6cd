"""Play Alertmanager on a compiled configuration: which routes an alert visits, which are muted, what would silence it.

Judged against `amtool config routes test` by `python -m bench.routes`. Reads what `alertmanager.py` writes: matchers as
quoted strings. Source: dispatch/route.go (Match), notify.go (TimeMuteStage, TimeActiveStage), inhibit.go, all 0.25.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bongsu.alerts.intervals import Interval, parse_day, parse_month, parse_time, parse_weekday
from bongsu.core.diagnostics import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

_MATCHER = re.compile(r'^([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"$')
_INHERITED = ("receiver", "group_by", "group_wait", "group_interval", "repeat_interval")


@dataclass(frozen=True, slots=True)
class Visit:
    """One route an alert visits: `path` is its place in the tree; times as written in the configuration."""

    path: tuple[int, ...]
    receiver: str
    matchers: tuple[str, ...]
    group_by: tuple[str, ...]
    group_wait: str
    group_interval: str
    repeat_interval: str
    active: tuple[str, ...]
    mute: tuple[str, ...]


def visits(config: Mapping[str, Any], labels: Mapping[str, str]) -> list[Visit]:
    """Return the routes an alert visits, in Alertmanager's order."""
    return _visit(config["route"], labels, {}, ())


def _visit(
    node: Mapping[str, Any], labels: Mapping[str, str], above: Mapping[str, Any], path: tuple[int, ...]
) -> list[Visit]:
    if not matches(node.get("matchers", ()), labels):
        return []
    own = {key: node.get(key, above.get(key)) for key in _INHERITED}
    found: list[Visit] = []
    for place, child in enumerate(node.get("routes", ())):
        below = _visit(child, labels, own, (*path, place))
        found += below
        if below and not child.get("continue", False):
            break
    if found:
        return found
    return [
        Visit(
            path,
            own["receiver"],
            tuple(node.get("matchers", ())),
            tuple(own["group_by"] or ()),
            own["group_wait"] or "30s",
            own["group_interval"] or "5m",
            own["repeat_interval"] or "4h",
            tuple(node.get("active_time_intervals", ())),
            tuple(node.get("mute_time_intervals", ())),
        )
    ]


def matches(matchers: Iterable[str], labels: Mapping[str, str]) -> bool:
    """Tell whether all matchers hold; a label that is absent is empty."""
    return all(_holds(matcher, labels) for matcher in matchers)


def _holds(matcher: str, labels: Mapping[str, str]) -> bool:
    found = _MATCHER.match(matcher)
    if not found:
        raise ValueError(f"{matcher!r} is not a matcher as the compiler writes it")
    name, operator, text = found.groups()
    wanted, value = re.sub(r"\\(.)", r"\1", text), labels.get(name, "")
    equal = re.fullmatch(wanted, value) is not None if "~" in operator else value == wanted
    return equal is not operator.startswith("!")


def why_muted(config: Mapping[str, Any], visit: Visit, moment: datetime) -> str:
    """Return why a route tells nobody at a moment, in words; empty when it tells."""
    intervals = {interval.name: interval for interval in read_intervals(config)}
    for name in visit.mute:
        if intervals[name].contains(moment):
            return f"muted: inside {name}"
    if visit.active and not any(intervals[name].contains(moment) for name in visit.active):
        return f"muted: outside {', '.join(visit.active)}"
    return ""


def read_intervals(config: Mapping[str, Any]) -> list[Interval]:
    """Return the time intervals of a compiled configuration: one conjunction for each name."""
    found = []
    for one in config.get("time_intervals", ()):
        (fields,) = one["time_intervals"]
        times = [f"{pair['start_time']}-{pair['end_time']}" for pair in fields.get("times", ())]
        found.append(
            Interval(
                one["name"],
                fields.get("location", "UTC"),
                Span(""),
                times=tuple(parse_time(text) for text in times),
                weekdays=tuple(parse_weekday(text) for text in fields.get("weekdays", ())),
                days=tuple(parse_day(text) for text in fields.get("days_of_month", ())),
                months=tuple(parse_month(text) for text in fields.get("months", ())),
            )
        )
    return found


def silencing(config: Mapping[str, Any], labels: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Return the inhibition rules whose target is such an alert."""
    return [rule for rule in config.get("inhibit_rules", ()) if matches(rule["target_matchers"], labels)]


def silences(rule: Mapping[str, Any], source: Mapping[str, str], target: Mapping[str, str]) -> bool:
    """Tell whether a firing `source` silences `target` by this rule; two that match both sides do not."""
    if not (matches(rule["source_matchers"], source) and matches(rule["target_matchers"], target)):
        return False
    if matches(rule["source_matchers"], target) and matches(rule["target_matchers"], source):
        return False
    return all(source.get(name, "") == target.get(name, "") for name in rule.get("equal", ()))
