"""What a check sees: every catalogue at once, and the text of every file for positions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bongsu.core.diagnostics import Problem, Severity
from bongsu.core.positions import inside
from bongsu.dashboards.model import Panel
from bongsu.runbooks.model import QueryStep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bongsu.alerts.model import Alerts
    from bongsu.core.diagnostics import Span
    from bongsu.core.manifest import Manifest
    from bongsu.core.promql import Expression
    from bongsu.dashboards.model import Dashboard
    from bongsu.runbooks.model import Runbook
    from bongsu.slo.model import Slos


@dataclass(frozen=True, slots=True)
class Proof:
    """An experiment that expects an alert, and where it says so."""

    experiment: str
    alert: str
    span: Span


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything people declare. `manifest` is None when it cannot be read; `sources` maps a file to its text."""

    manifest: Manifest | None
    slos: Slos
    alerts: Alerts
    dashboards: tuple[Dashboard, ...]
    runbooks: tuple[Runbook, ...]
    proofs: tuple[Proof, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def alert_spans(self) -> dict[str, Span]:
        """Return every alert name, of thresholds and SLOs alike, and where it is declared."""
        found = {slo.alert: slo.alert_span for slo in self.slos.slos if slo.alert}
        return found | {alert.name: alert.span for alert in self.alerts.alerts if alert.name}

    def expressions(self) -> Iterator[Expression]:
        """Yield every PromQL text that people wrote, placeholders included."""
        for slo in self.slos.slos:
            yield from slo.expressions()
        for alert in self.alerts.alerts:
            yield alert.expr
            if alert.detail:
                yield alert.detail.expr
        for dashboard in self.dashboards:
            for row in dashboard.rows:
                yield from (query.expr for item in row.items if isinstance(item, Panel) for query in item.queries)
        for runbook in self.runbooks:
            yield from (step.expr for step in runbook.steps if isinstance(step, QueryStep))

    def place(self, expression: Expression, offset: int, width: int) -> Span:
        """Return where a character of an expression stands in its file."""
        source = self.sources.get(expression.span.file, "")
        return inside(source, expression.span, expression.text, offset, width)


class Check(Protocol):
    """The form of each module of this room."""

    CODE: str
    SEVERITY: Severity

    def find(self, catalogue: Catalogue) -> Iterator[Problem]:
        """Yield every problem of this one kind."""
        ...


def problem(check_code: str, severity: Severity, span: Span, what: str, why: str, fix: str) -> Problem:
    """Return a problem; each check says all three: what, why it matters, what to do."""
    return Problem(check_code, severity, span, what, why, fix)
