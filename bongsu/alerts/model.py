"""Threshold alerts, and the routes that decide who is woken by them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bongsu.core.conventions import runbook_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.alerts.intervals import Interval
    from bongsu.core.diagnostics import Span
    from bongsu.core.promql import Expression
    from bongsu.slo.rules import Links

UNITS = ("percentunit", "s", "short", "bytes", "currencyUSD")
CHANNELS = ("pagerduty", "email", "slack", "sns")
"""Besides these, every name in `endpoints.webhooks` is a channel."""
WEBHOOKS = ("record", "note")
OVERRIDES = (
    "pagerduty_routing_key_file", "slack_url_file", "slack_channel", "smtp_to", "sns_phone_number", "sns_topic_arn",
)  # fmt: skip
"""What a receiver may have of its own, instead of the common endpoint."""


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
    """A symptom alert: one expression, a threshold per severity, one name for all of them.

    Seconds: `hold` is how long the expression must hold before it fires (`for`), `keep` how long it goes on firing
    after the expression has stopped to hold (`keep_firing_for`).
    """

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
    keep: float = 0.0

    @property
    def runbook_file(self) -> str:
        """Return the path of the runbook: the explicit one, or the one named like the alert."""
        return self.runbook or runbook_path(self.name)


@dataclass(frozen=True, slots=True)
class Escalation:
    """Whom a group reaches that still fires `after` seconds after it began."""

    after: float
    receiver: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """What happens to alerts of one severity; times in seconds.

    `services` empty: of every service. `active` and `mute` name intervals: outside `active` and inside `mute` it sends
    nothing, and later routes are asked too. A route without times is the last one an alert reaches.
    """

    severity: str
    receiver: str
    channels: tuple[str, ...]
    group_by: tuple[str, ...]
    group_wait: float
    group_interval: float
    repeat_interval: float
    span: Span
    services: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    mute: tuple[str, ...] = ()
    escalate: Escalation | None = None

    @property
    def timed(self) -> bool:
        """Tell whether there are moments at which this route may send nothing."""
        return bool(self.active or self.mute)

    def takes(self, severity: str, service: str) -> bool:
        """Tell whether alerts of this severity and service match."""
        return self.severity == severity and (not self.services or service in self.services)


@dataclass(frozen=True, slots=True)
class Inhibition:
    """Alerts of severity `source` silence those of `target` that agree on the `equal` labels."""

    source: str
    target: str
    equal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dependency:
    """A critical alert of what is depended `on` silences the dependants: a whole service, or the named alerts.

    `on` holds names of services and of alerts (CamelCase). Alerts named in `on` are never dependants of this rule.
    """

    service: str
    alerts: tuple[str, ...]
    on: tuple[str, ...]
    equal: tuple[str, ...]
    span: Span


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
    webhook_credentials_files: Mapping[str, str] = field(default_factory=dict)
    """Files with the bearer token of a webhook: Alertmanager 0.25 refuses a secret URL in a file for webhooks."""
    sns_region: str = ""
    """AWS region of SNS; empty: there is no SNS. Credentials come from the role or the environment of Alertmanager."""
    sns_phone_number: str = ""
    sns_topic_arn: str = ""
    sns_role_arn: str = ""


@dataclass(frozen=True, slots=True)
class Routes:
    """Who is woken by what; `default` receives what no route names."""

    default: str
    routes: tuple[Route, ...]
    inhibitions: tuple[Inhibition, ...]
    links: Links
    endpoints: Endpoints
    file: str
    intervals: tuple[Interval, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    overrides: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Receiver -> field of `Endpoints` -> what it is for this receiver."""

    def visited(self, severity: str, service: str) -> tuple[Route, ...]:
        """Return the routes such alerts visit, in order: up to and including the first that always hears them."""
        found = [route for route in self.routes if route.takes(severity, service)]
        end = next((place for place, route in enumerate(found, 1) if not route.timed), len(found))
        return tuple(found[:end])

    def of(self, severity: str, service: str) -> Route | None:
        """Return the route that always hears such alerts; else the first that may."""
        found = self.visited(severity, service)
        if not found:
            return None
        return found[0] if found[-1].timed else found[-1]


@dataclass(frozen=True, slots=True)
class Alerts:
    """Everything the alerts catalogue declares; `routes` is None when it is missing or unreadable."""

    alerts: tuple[Alert, ...]
    routes: Routes | None
