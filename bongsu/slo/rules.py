"""Prometheus rules as data, what every alert carries, and how a rule file is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bongsu.core.artefacts import header
from bongsu.core.conventions import LABEL_ALERT, PROOF_TIMESTAMP, dashboard_uid, panel_id
from bongsu.core.durations import format_duration
from bongsu.core.emit import dump

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Links:
    """Where people read runbooks (`<repository>/runbooks/X.md`) and dashboards (`<grafana>/d/uid`)."""

    repository: str
    grafana: str

    def file(self, path: str) -> str:
        """Return the address of a file of this repository."""
        return f"{self.repository}/{path}"

    def panel(self, service: str, key: str) -> str:
        """Return the deep link to the panel of a key (an alert name)."""
        return f"{self.grafana}/d/{dashboard_uid(service)}?viewPanel={panel_id(key)}"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording rule."""

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alerting:
    """An alerting rule; `hold` is its `for` and `keep` its `keep_firing_for` (Prometheus 2.42), both in seconds."""

    alert: str
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    hold: float = 0.0
    keep: float = 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """Rules evaluated in order: split over groups, an alert would lag its recordings by one evaluation."""

    name: str
    rules: tuple[Recording | Alerting, ...]

    def alerts(self) -> tuple[Alerting, ...]:
        """Return the alerting rules."""
        return tuple(rule for rule in self.rules if isinstance(rule, Alerting))

    def records(self) -> tuple[str, ...]:
        """Return the names of the recorded series."""
        return tuple(rule.record for rule in self.rules if isinstance(rule, Recording))


def last_proof(alert: str) -> str:
    """Return the annotation that looks up an alert's last proof when it fires.

    A query and not text: a date in the rule would change the hash of the very rule it proves (DESIGN 4, 17).
    """
    query = f"max({PROOF_TIMESTAMP.name}{{alert='{alert}'}}) > 0"
    return (
        f'{{{{ with query "{query}" }}}}{{{{ . | first | value | humanizeTimestamp }}}}{{{{ else }}}}never{{{{ end }}}}'
    )


def rule_file(group: Group, source: str) -> str:
    """Return the text of a rule file that holds one group."""
    return dump({"groups": [group_data(group)]}, header(source))


def group_data(group: Group) -> dict[str, object]:
    """Return a group as Prometheus' rule files and PrometheusRule objects spell it."""
    rules = [_recording(r) if isinstance(r, Recording) else _alerting(r) for r in group.rules]
    return {"name": group.name, "rules": rules}


def _recording(rule: Recording) -> dict[str, object]:
    labels = {"labels": dict(rule.labels)} if rule.labels else {}
    return {"record": rule.record, "expr": rule.expr, **labels}


def _alerting(rule: Alerting) -> dict[str, object]:
    hold = {"for": format_duration(rule.hold)} if rule.hold else {}
    keep = {"keep_firing_for": format_duration(rule.keep)} if rule.keep else {}
    return {
        LABEL_ALERT.removesuffix("name"): rule.alert,
        "expr": rule.expr,
        **hold,
        **keep,
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
    }
