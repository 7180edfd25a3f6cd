"""Declared dependencies: the critical alert of what fails silences what depends on it; and circles of silence.

Alertmanager silences a target while a source fires, even when the source is silenced itself: in a circle nobody would
be told. An alert that matches both sides of a rule is not silenced by others that do (inhibit.go since 0.22).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.core.conventions import LABEL_ALERT, LABEL_SERVICE, LABEL_SEVERITY, SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bongsu.alerts.model import Dependency, Inhibition

CRITICAL = SEVERITIES[0]


def is_alert(name: str) -> bool:
    """Tell whether a name in `depends_on` is an alert's: CamelCase, as no service is called."""
    return name[:1].isupper()


def any_of(names: Sequence[str]) -> str:
    """Return a regular expression that matches exactly these names, escaped for a quoted matcher."""
    return "|".join(re.escape(name).replace("\\-", "-").replace("\\", "\\\\") for name in names)


def compile_dependency(rule: Dependency) -> list[dict[str, object]]:
    """Return one inhibition for the services and one for the alerts in `depends_on`, as far as there are any."""
    alerts = [name for name in rule.on if is_alert(name)]
    services = [name for name in rule.on if not is_alert(name)]
    if rule.service:
        target = [f'{LABEL_SERVICE}="{rule.service}"']
        target += [f'{LABEL_ALERT}!~"{any_of(alerts)}"'] if alerts else []
    else:
        target = [f'{LABEL_ALERT}=~"{any_of([name for name in rule.alerts if name not in alerts])}"']
    sources = [(LABEL_ALERT, alerts), (LABEL_SERVICE, services)]
    return [
        {
            "source_matchers": [f'{LABEL_SEVERITY}="{CRITICAL}"', f'{label}=~"{any_of(names)}"'],
            "target_matchers": target,
            "equal": list(rule.equal),
        }
        for label, names in sources
        if names
    ]


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """Alerts that the rules cannot tell apart: of one name (empty: any other), service and severity."""

    name: str
    service: str
    severity: str

    def __str__(self) -> str:
        return f"{self.severity} {self.name or 'alerts'}{f' of {self.service}' if self.service else ''}"


def circle(
    inhibitions: Iterable[Inhibition], dependencies: Sequence[Dependency], services: Mapping[str, str]
) -> list[Kind]:
    """Return kinds that silence each other around, the first one again at the end; empty when there is no circle.

    `services` maps each declared alert to its service. Labels in `equal` other than these two are taken to agree.
    """
    kinds = _kinds(dependencies, services)
    rules = list(inhibitions)
    edges = {one: [other for other in kinds if _silences(one, other, rules, dependencies)] for one in kinds}
    done: set[Kind] = set()
    for start in kinds:
        if found := _walk(start, edges, [], done):
            return found
    return []


def _kinds(dependencies: Iterable[Dependency], services: Mapping[str, str]) -> list[Kind]:
    pairs = {("", "")}
    for rule in dependencies:
        names = {rule.service, *rule.on, *rule.alerts} - {""}
        pairs |= {(name, services.get(name, "")) if is_alert(name) else ("", name) for name in names}
    pairs |= {("", service) for _, service in pairs}
    return sorted(Kind(name, service, severity) for name, service in pairs for severity in SEVERITIES)


def _silences(one: Kind, other: Kind, inhibitions: Iterable[Inhibition], dependencies: Iterable[Dependency]) -> bool:
    if one == other:
        return False
    for rule in inhibitions:
        agree = not _apart(one, other, rule.equal)
        if (rule.source, rule.target) == (one.severity, other.severity) and agree:
            return True
    return any(_depends(one, other, rule) for rule in dependencies)


def _depends(one: Kind, other: Kind, rule: Dependency) -> bool:
    both = _is_source(other, rule) and _is_target(one, rule)
    return _is_source(one, rule) and _is_target(other, rule) and not both and not _apart(one, other, rule.equal)


def _is_source(kind: Kind, rule: Dependency) -> bool:
    return kind.severity == CRITICAL and bool({kind.name, kind.service} & set(rule.on) - {""})


def _is_target(kind: Kind, rule: Dependency) -> bool:
    named = kind.service == rule.service if rule.service else kind.name in rule.alerts
    return named and kind.name not in rule.on


def _apart(one: Kind, other: Kind, equal: Iterable[str]) -> bool:
    """Tell whether the two can never agree on the labels in `equal`."""
    return (LABEL_ALERT in equal and one.name != other.name) or (
        LABEL_SERVICE in equal and one.service != other.service
    )


def _walk(kind: Kind, edges: Mapping[Kind, list[Kind]], path: list[Kind], done: set[Kind]) -> list[Kind]:
    if kind in path:
        return [*path[path.index(kind) :], kind]
    if kind in done:
        return []
    for following in edges[kind]:
        if found := _walk(following, edges, [*path, kind], done):
            return found
    done.add(kind)
    return []
