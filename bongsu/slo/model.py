"""What a service promises: SLOs and the burn-rate tiers that watch them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from bongsu.core.durations import parse_duration
from bongsu.core.promql import Expression

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bongsu.core.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Ratio:
    """Events of which some are `bad` (or all but `good`); without `counter`, gauges that count what is there now."""

    total: Expression
    bad: Expression | None = None
    good: Expression | None = None
    counter: bool = True


@dataclass(frozen=True, slots=True)
class Raw:
    """A share between 0 and 1 that somebody else computed: of what succeeds, or of what fails."""

    query: Expression
    success: bool


@dataclass(frozen=True, slots=True)
class Threshold:
    """A value that is good while `value op limit` holds (`op` is OpenSLO's lt, lte, gt or gte); time is counted."""

    query: Expression
    op: str
    limit: Decimal


@dataclass(frozen=True, slots=True)
class Timeslices:
    """Slices of time, each good when its good share reaches `target`; without one a slice counts by its good share."""

    of: Ratio | Raw | Threshold
    length: str
    target: Decimal | None

    @property
    def seconds(self) -> float:
        """Return the length of a slice."""
        return parse_duration(self.length)


@dataclass(frozen=True, slots=True)
class Spend:
    """What goes per second (USD, tokens), of which `allowed` may go in one window of the SLO."""

    query: Expression
    allowed: Decimal


@dataclass(frozen=True, slots=True)
class Shed:
    """When new runs are refused: shares of the promised seconds that one may wait; `rate` is in runs per second."""

    promised: float
    batch: float
    interactive: float
    rate: float


Indicator = Ratio | Raw | Threshold | Timeslices | Spend


@dataclass(frozen=True, slots=True)
class Calendar:
    """A window that begins anew every `count` units (d, w, M, Q, Y) from `start`, wall time in `zone`."""

    count: int
    unit: str
    start: datetime
    zone: str

    @property
    def name(self) -> str:
        """Return OpenSLO's shorthand such as `1M`."""
        return f"{self.count}{self.unit}"


@dataclass(frozen=True, slots=True)
class Tier:
    """One pair of windows: fires when both burn the budget `factor` times too fast, for `hold` seconds on end.

    `long` must also hold `events` bad events (0: no floor). Windows longer than `base` are averages of rates over
    `base`, which smears what they see by half of it (bongsu/slo/timing.py).
    """

    name: str
    severity: str
    factor: Decimal
    long: str
    short: str
    base: str = "5m"
    events: int = 0
    op: str = ">"
    hold: float = 0.0

    @property
    def long_seconds(self) -> float:
        """Return the length of the long window."""
        return parse_duration(self.long)

    @property
    def short_seconds(self) -> float:
        """Return the length of the short window."""
        return parse_duration(self.short)

    @property
    def base_seconds(self) -> float:
        """Return the length of the window whose rates are recorded."""
        return parse_duration(self.base)


@dataclass(frozen=True, slots=True)
class Windows:
    """The tiers that watch one SLO: of its period, fitted to its objective; `base` is the window that is recorded.

    A `calendar` counts the budget from the start of its current window; tiers are fitted to its nominal length.
    """

    period: str
    source: str
    base: str
    tiers: tuple[Tier, ...]
    calendar: Calendar | None = None

    @property
    def budget(self) -> str:
        """Return the name of the window the budget is counted in: `30d` when it rolls, `1M` on the calendar."""
        return self.calendar.name if self.calendar else self.period

    def all(self) -> tuple[str, ...]:
        """Return every window of a tier once, shortest first."""
        return tuple(sorted({w for t in self.tiers for w in (t.short, t.long)}, key=parse_duration))


@dataclass(frozen=True, slots=True)
class Service:
    """Someone who promises something."""

    name: str
    title: str
    span: Span


@dataclass(frozen=True, slots=True)
class Named:
    """A document, or a reference to one: its kind, its name and its place."""

    kind: str
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Policy:
    """What an AlertPolicy asks for: one tier (none when breaching shall not alert) and who is to be told."""

    tier: Tier | None
    targets: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """When nothing counts, neither good nor bad: while this PromQL returns anything; `span` is None when compiled."""

    expr: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Slo:
    """One promise: of what the indicator counts at most 1 - `objective` may be bad, in a window of length `period`.

    `events` overrides how many bad events a tier waits for; None leaves that to the tier. `spec` is the apiVersion.
    `labels` and `annotations` are added to its rules and alerts, `alert_labels` and `alert_annotations` to the alerts
    of a severity; `runbook_url` replaces the link to our own runbook; tiers of the severities in `silent` are left out.
    `policies`, when there are any, are its only tiers. `job` is scraped for it; None: the one its query names.
    """

    service: str
    name: str
    title: str
    title_ko: str
    alert: str
    objective: float
    period: str
    indicator: Indicator
    span: Span
    objective_span: Span
    service_span: Span
    alert_span: Span
    events: int | None = None
    spec: str = "openslo/v1"
    calendar: Calendar | None = None
    policies: tuple[Policy, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    runbook_url: str = ""
    silent: tuple[str, ...] = ()
    alert_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    alert_annotations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    job: str | None = None
    shed: Shed | None = None

    @property
    def id(self) -> str:
        """Return Sloth's id, `<service>-<name>`."""
        return f"{self.service}-{self.name}"

    @property
    def budget(self) -> Decimal:
        """Return 1 - objective as an exact decimal: 0.001 and not 0.0009999999999999432."""
        return allowed(self.objective)

    @property
    def window(self) -> str:
        """Return the window of the promise as people say it: `30d`, or `1M` on the calendar."""
        return self.calendar.name if self.calendar else self.period

    @property
    def sane(self) -> bool:
        """Tell whether the objective leaves a budget: what does not is a problem, and never computed with."""
        return 0 < self.objective < 1

    def expressions(self) -> tuple[Expression, ...]:
        """Return the queries as the author wrote them, with their `{{.window}}` placeholders."""
        found = queries(self.indicator)
        if not self.exclusions:
            return found
        return (*found, *(Expression(one.expr, one.span) for one in self.exclusions if one.span))


def queries(indicator: Indicator) -> tuple[Expression, ...]:
    """Return the queries of an indicator."""
    match indicator:
        case Ratio(total=total, bad=bad, good=good):
            return tuple([e for e in (bad, good, total) if e is not None])
        case Timeslices(of=inner):
            return queries(inner)
        case Raw(query=query) | Threshold(query=query) | Spend(query=query):
            return (query,)


@dataclass(frozen=True, slots=True)
class Slos:
    """Everything the slo catalogue declares, in the order of names, and the windows of each SLO that has any.

    `documents` are those of other kinds, `references` what points at them by name.
    """

    services: tuple[Service, ...]
    slos: tuple[Slo, ...]
    windows: Mapping[str, Windows]
    documents: tuple[Named, ...] = ()
    references: tuple[Named, ...] = ()

    def watched(self) -> tuple[tuple[Slo, Windows], ...]:
        """Return the SLOs that have tiers, with them; without (a broken objective or period) is a problem already."""
        return tuple((slo, self.windows[slo.id]) for slo in self.slos if slo.id in self.windows)

    def tiers(self, slo: Slo) -> tuple[Tier, ...]:
        """Return the tiers that watch an SLO."""
        return self.windows[slo.id].tiers


@lru_cache(maxsize=1024)
def decimal_text(value: Decimal) -> str:
    """Return a decimal as PromQL and people write it: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=1024)
def allowed(objective: float) -> Decimal:
    """Return 1 - objective, exact: many SLOs share an objective, and each is asked for it often."""
    return Decimal(1) - Decimal(repr(objective))


def threshold(tier: Tier, objective: float) -> Decimal:
    """Return the bad share above which a tier fires: factor x (1 - objective), exact."""
    return tier.factor * allowed(objective)


def is_dead(tier: Tier, objective: float) -> bool:
    """Tell whether a tier can never fire: not even a total outage exceeds its threshold."""
    return threshold(tier, objective) >= 1
