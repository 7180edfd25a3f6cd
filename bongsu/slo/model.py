"""What a service promises: SLOs and the burn-rate tiers that watch them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from bongsu.core.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.core.diagnostics import Span
    from bongsu.core.promql import Expression


@dataclass(frozen=True, slots=True)
class Tier:
    """One pair of windows: fires when both burn the budget `factor` times too fast.

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
    """The tiers that watch one SLO: of its period, fitted to its objective; `base` is the window that is recorded."""

    period: str
    source: str
    base: str
    tiers: tuple[Tier, ...]

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
class Slo:
    """One promise: of `total` events at most 1 - `objective` may be `bad` (or all but `objective` be `good`).

    `events` overrides how many bad events a tier waits for; None leaves that to the tier. `spec` is the apiVersion.
    """

    service: str
    name: str
    title: str
    title_ko: str
    alert: str
    objective: float
    period: str
    bad: Expression | None
    good: Expression | None
    total: Expression
    span: Span
    objective_span: Span
    service_span: Span
    alert_span: Span
    events: int | None = None
    spec: str = "openslo/v1"

    @property
    def id(self) -> str:
        """Return Sloth's id, `<service>-<name>`."""
        return f"{self.service}-{self.name}"

    @property
    def budget(self) -> Decimal:
        """Return 1 - objective as an exact decimal: 0.001 and not 0.0009999999999999432."""
        return Decimal(1) - Decimal(repr(self.objective))

    @property
    def sane(self) -> bool:
        """Tell whether the objective leaves a budget: what does not is a problem, and never computed with."""
        return 0 < self.objective < 1

    def expressions(self) -> tuple[Expression, ...]:
        """Return the queries as the author wrote them, with their `{{.window}}` placeholders."""
        return tuple(e for e in (self.bad, self.good, self.total) if e is not None)


@dataclass(frozen=True, slots=True)
class Slos:
    """Everything the slo catalogue declares, in the order of names, and the windows of each SLO that has any."""

    services: tuple[Service, ...]
    slos: tuple[Slo, ...]
    windows: Mapping[str, Windows]

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


def threshold(tier: Tier, objective: float) -> Decimal:
    """Return the bad share above which a tier fires: factor x (1 - objective), exact."""
    return tier.factor * (Decimal(1) - Decimal(repr(objective)))


def is_dead(tier: Tier, objective: float) -> bool:
    """Tell whether a tier can never fire: not even a total outage exceeds its threshold."""
    return threshold(tier, objective) >= 1
