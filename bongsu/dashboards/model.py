"""What a board shows: rows of panels. Grafana JSON and the console page are drawn from the same `Board`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bongsu.core.diagnostics import Span
    from bongsu.core.promql import Expression

UNITS = ("percentunit", "s", "short", "bytes", "currencyUSD", "ops", "none")
KINDS = ("timeseries", "stat")


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression of a panel; `legend` may hold `{{label}}`, `expr` the `{{.interval}}` placeholder."""

    expr: Expression
    legend: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A threshold drawn across a panel."""

    severity: str
    value: float


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing; `key` is what its stable id is made of. `below`: values under a mark are the bad ones."""

    key: str
    title: str
    description: str
    kind: str
    unit: str
    queries: tuple[Query, ...]
    span: Span
    marks: tuple[Mark, ...] = ()
    below: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class SloRef:
    """Stands for the panels of an SLO: SLI, burn rate, budget."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class AlertRef:
    """Stands for the panel of an alert: its value, with its thresholds."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Row:
    """A titled row as people write it."""

    title: str
    items: tuple[Panel | SloRef | AlertRef, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A board as people write it; `name` is its uid."""

    name: str
    title: str
    description: str
    rows: tuple[Row, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Strip:
    """A titled row of panels."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """A board with every reference resolved."""

    uid: str
    title: str
    description: str
    strips: tuple[Strip, ...]
    source: str

    def panels(self) -> tuple[Panel, ...]:
        """Return every panel in the order of the page."""
        return tuple(panel for strip in self.strips for panel in strip.panels)
