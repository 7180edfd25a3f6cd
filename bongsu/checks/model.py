"""What a check sees: every catalogue at once, and the text of every file for positions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bongsu.core.diagnostics import Severity
from bongsu.core.positions import inside
from bongsu.dashboards.model import Panel
from bongsu.runbooks.model import QueryStep
from bongsu.slo import absence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bongsu.alerts.model import Alerts
    from bongsu.chaos.model import Drill, Experiment
    from bongsu.core.diagnostics import Problem, Span
    from bongsu.core.manifest import Manifest
    from bongsu.core.promql import Expression
    from bongsu.dashboards.model import Dashboard
    from bongsu.runbooks.model import Runbook
    from bongsu.slo.model import Slos


_UNREADABLE = ("yaml/syntax", "yaml/encoding", "yaml/too-large")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a Prometheus has for a selector of metric `name`.

    Whether it `selects` a series, whether the metric `exists` without its matchers, and if so, the matchers that leave
    nothing of it even alone (`empty`).
    """

    name: str
    selects: bool
    exists: bool
    empty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything people declare, `problems` of the loaders included; `sources` maps a file to its text.

    What could not be read is absent or incomplete: only a catalogue without errors may be compiled or run.
    """

    manifest: Manifest
    slos: Slos
    alerts: Alerts
    dashboards: tuple[Dashboard, ...]
    runbooks: tuple[Runbook, ...]
    experiments: tuple[Experiment, ...] = ()
    drills: tuple[Drill, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    live: Mapping[str, Seen] = field(default_factory=dict)
    """Selector to what a running Prometheus has for it; empty when none was asked (`bongsu check --online`)."""

    def unread(self, *folders: str) -> bool:
        """Tell whether a file of these folders could not be read: what it declares must not be called missing.

        An experiment with any error is absent as a whole, so there every error counts.
        """
        found = (p for p in self.problems if p.severity is Severity.ERROR)
        return any(
            p.span.file.startswith(tuple(f"{folder}/" for folder in folders))
            and (p.code in _UNREADABLE or p.span.file.startswith(f"{self.manifest.catalogues.experiments}/"))
            for p in found
        )

    def alert_spans(self) -> dict[str, Span]:
        """Return every alert name, of thresholds and SLOs alike, and where it is declared; absence at the first SLO."""
        found = {slo.alert: slo.alert_span for slo in self.slos.slos if slo.alert}
        for slo in absence.alarmed(self.slos):
            found.setdefault(absence.NAME, slo.span)
        return found | {alert.name: alert.span for alert in self.alerts.alerts if alert.name}

    def service_of(self) -> dict[str, str]:
        """Return the service of every alert, of thresholds and SLOs alike."""
        found = {slo.alert: slo.service for slo in self.slos.slos if slo.alert}
        for slo in absence.alarmed(self.slos):
            found.setdefault(absence.NAME, slo.service)
        return found | {alert.name: alert.service for alert in self.alerts.alerts if alert.name}

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
