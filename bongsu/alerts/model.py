"""Threshold alerts, and the routes that decide who is woken by them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bongsu.core.conventions import runbook_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.core.diagnostics import Span
    from bongsu.core.promql import Expression
    from bongsu.slo.rules import Links

UNITS = ("percentunit", "s", "short", "bytes", "currencyUSD")
CHANNELS = ("pagerduty", "email", "slack", "record", "note")
WEBHOOKS = ("record", "note")


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in the two languages of the on-call engineers."""

    en: str
    ko: str


@dataclass(frozen=True, slots=True)
class Level:
    """One severity of an alert and the number its expression compares with."""

    severity: str
    threshold: float
    span: Span


@dataclass(frozen=True, slots=True)
class Detail:
    """A query whose series a notification lists as `label: value`."""

    expr: Expression
    label: str


@dataclass(frozen=True, slots=True)
class Alert:
    """A symptom alert: one expression, a threshold per severity, one name for all of them."""

    name: str
    rule: str
    service: str
    metric: str
    unit: str
    summary: Text
    description: Text
    expr: Expression
    hold: float
    levels: tuple[Level, ...]
    span: Span
    metric_span: Span
    service_span: Span
    detail: Detail | None = None
    runbook: str = ""
    runbook_span: Span | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def runbook_file(self) -> str:
        """Return the path of the runbook: the explicit one, or the one named like the alert."""
        return self.runbook or runbook_path(self.name)


@dataclass(frozen=True, slots=True)
class Route:
    """What happens to alerts of one severity; times in seconds."""

    severity: str
    receiver: str
    channels: tuple[str, ...]
    group_by: tuple[str, ...]
    group_wait: float
    group_interval: float
    repeat_interval: float
    span: Span


@dataclass(frozen=True, slots=True)
class Inhibition:
    """Alerts of severity `source` silence those of `target` that agree on the `equal` labels."""

    source: str
    target: str
    equal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where notifications go. Secrets are paths of files that only Alertmanager reads."""

    pagerduty_url: str
    pagerduty_routing_key_file: str
    slack_url_file: str
    slack_channel: str
    smtp_smarthost: str
    smtp_from: str
    smtp_to: str
    webhooks: Mapping[str, str]
    smtp_username: str = ""
    smtp_password_file: str = ""
    smtp_require_tls: bool = True
    heartbeat_url: str = ""
    """Where `bongsu watch` hears the heartbeat; empty: there is none."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Who is woken by what; `default` receives what no route names."""

    default: str
    routes: tuple[Route, ...]
    inhibitions: tuple[Inhibition, ...]
    links: Links
    endpoints: Endpoints
    file: str

    def of(self, severity: str) -> Route | None:
        """Return the route of a severity."""
        return next((route for route in self.routes if route.severity == severity), None)


@dataclass(frozen=True, slots=True)
class Alerts:
    """Everything the alerts catalogue declares; `routes` is None when it is missing or unreadable."""

    alerts: tuple[Alert, ...]
    routes: Routes | None
