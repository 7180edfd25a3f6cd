"""What a catalogue says to whoever is on call, as sentences by subject: what `bongsu diff` compares."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bongsu.alerts.compile import threshold_text
from bongsu.core.diagnostics import Span
from bongsu.core.durations import format_duration
from bongsu.core.promql import bare
from bongsu.slo import absence
from bongsu.slo.model import decimal_text
from bongsu.slo.timing import detect_seconds, reset_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.alerts.model import Alert, Level
    from bongsu.checks.model import Catalogue
    from bongsu.slo.model import Slo, Tier

TEXT = "text of "
"""Facts whose name begins so are compared by digest and shown as changed, without their content."""
Facts = dict[str, dict[str, str]]
_IN_SECONDS = ("_wait", "_interval", "after")


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One difference: of `subject`, the fact `what` was `old` and is `new`; empty when there was or is none."""

    subject: str
    what: str
    old: str
    new: str


def facts(catalogue: Catalogue) -> Facts:
    """Return subject -> name of the fact -> sentence."""
    found: Facts = {}
    for slo, _ in catalogue.slos.watched():
        found[f"alert {slo.alert} (SLO {slo.id})"] = dict(_slo(slo, catalogue.slos.tiers(slo)))
    for alert in catalogue.alerts.alerts:
        found[f"alert {alert.name}"] = dict(_alert(alert))
    if routes := catalogue.alerts.routes:
        for field in dataclasses.fields(routes):
            for name, value in _items(field.name, getattr(routes, field.name)):
                found.setdefault("routes", {})[name] = value
    for runbook in catalogue.runbooks:
        about = found.setdefault(f"runbook {runbook.file}", {})
        about[f"{TEXT}{runbook.file}"] = _digest(catalogue.sources.get(runbook.file, ""))
    return found


def differences(old: Facts, new: Facts) -> list[Change]:
    """Return every fact that differs, by subject and in the order of the new facts, then what is gone."""
    changes = []
    for subject in sorted(old.keys() | new.keys()):
        before, after = old.get(subject, {}), new.get(subject, {})
        changes += [
            Change(subject, name, before.get(name, ""), after.get(name, ""))
            for name in dict.fromkeys((*after, *before))
            if before.get(name, "") != after.get(name, "")
        ]
    return changes


def in_words(changes: list[Change], old: Facts, new: Facts) -> list[str]:
    """Return the changes as lines: a heading per subject, below it what is and what was."""
    lines: list[str] = []
    for subject in dict.fromkeys(change.subject for change in changes):
        if subject not in old or subject not in new:
            lines.append(f"{subject}: {'new' if subject in new else 'gone'}")
            about = (new if subject in new else old)[subject]
            lines += [f"  {name}: {value}" for name, value in about.items() if not name.startswith(TEXT)]
            continue
        lines.append(subject)
        lines += [f"  {_line(change)}" for change in changes if change.subject == subject]
    return lines


def _line(change: Change) -> str:
    if change.what.startswith(TEXT):
        return f"{change.what.removeprefix(TEXT)}: the text changed"
    if not change.old:
        return f"{change.what}: {change.new} (new)"
    if not change.new:
        return f"{change.what}: gone, was {change.old}"
    return f"{change.what}: {change.new}, was {change.old}"


def _slo(slo: Slo, tiers: tuple[Tier, ...]) -> Iterator[tuple[str, str]]:
    yield "promise", f"{decimal_text((1 - slo.budget) * 100)}% over {slo.period}"
    yield "title", f"{slo.title} / {slo.title_ko}"
    yield "service", slo.service
    yield "queries", " | ".join(" ".join(bare(one.text).split()) for one in slo.expressions())
    for tier in tiers:
        outage, reset = detect_seconds(tier, slo.objective, 1.0), reset_seconds(tier, slo.objective, 1.0)
        windows = " and ".join(dict.fromkeys((tier.short, tier.long)))
        when = f"a total outage fires it after {_time(outage)}, it clears within {_time(reset)}"
        size = f"{decimal_text(tier.factor)} x budget over {windows}, {tier.events} bad events"
        yield f"tier {tier.name}", f"{tier.severity}, {size}; {when}"
    if slo.labels:
        yield "labels", _value(slo.labels)
    if told := absence.reasons(slo):
        job = absence.job_of(slo)
        yield "absence", f"{absence.SEVERITY} for {', '.join(told)}{f' of job {job}' if job else ''}"


def _alert(alert: Alert) -> Iterator[tuple[str, str]]:
    for level in alert.levels:
        yield level.severity, _at(alert, level)
    yield "expression", " ".join(bare(alert.expr.text).split())
    yield "rule", f"{alert.rule} of {alert.service}"
    yield "summary", f"{alert.summary.en} / {alert.summary.ko}"
    yield f"{TEXT}description", _digest(f"{alert.description}{alert.detail}")
    yield "runbook", alert.runbook_file
    if alert.labels:
        yield "labels", _value(alert.labels)


def _at(alert: Alert, level: Level) -> str:
    held = f" for {format_duration(alert.hold)}" if alert.hold else ""
    kept = f", firing on for {format_duration(alert.keep)}" if alert.keep else ""
    return f"at {threshold_text(level.threshold, alert.unit)}{held}{kept}"


def _items(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield what a field of the routes says: one fact per element of a list, named by what it is about."""
    if isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
        for one in value:
            shown = {f.name: getattr(one, f.name) for f in dataclasses.fields(one)}
            first = next(iter(shown))
            about = [key for key in (first, "target", "receiver") if key in shown and key != "span"]
            yield f"{name} {' '.join(dict.fromkeys(_value(shown[key]) for key in about))}", _value(one)
    elif name != "file":
        yield name, _value(value)


def _value(value: object, name: str = "") -> str:
    """Return a value as people read it; places in files are no difference."""
    match value:
        case float() if name.endswith(_IN_SECONDS):
            return format_duration(value)
        case str() | int() | float() | None:
            return str(value)
        case Mapping():
            return ", ".join(f"{key}={_value(one)}" for key, one in sorted(value.items()))
        case tuple() | frozenset():
            return ", ".join(_value(one) for one in value)
        case _ if dataclasses.is_dataclass(value):
            shown = [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]
            kept = [(key, one) for key, one in shown if not isinstance(one, Span) and one not in ("", (), None)]
            return "; ".join(f"{key} {_value(one, key)}" for key, one in kept)
        case _:
            return str(value)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _time(seconds: float) -> str:
    return "never" if seconds == float("inf") else format_duration(round(seconds))
