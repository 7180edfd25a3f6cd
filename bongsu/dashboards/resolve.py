"""Turn a dashboard's references into panels: one per alert, three per SLO, drawn from what their rules record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.alerts.shape import fires_below, value_exprs
from bongsu.core import conventions as names
from bongsu.core.promql import Expression
from bongsu.dashboards.model import AlertRef, Board, Mark, Panel, Query, SloRef, Strip
from bongsu.slo import absence
from bongsu.slo.compile import ratio_expr, recorded_windows, series
from bongsu.slo.model import decimal_text
from bongsu.slo.texts import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bongsu.alerts.model import Alert
    from bongsu.core.diagnostics import Span
    from bongsu.dashboards.model import Dashboard, Row
    from bongsu.slo.model import Slo, Slos


def resolve(dashboard: Dashboard, slos: Slos, alerts: Iterable[Alert]) -> Board:
    """Return the board; a reference to something undeclared is left out (checks/dashboard_reference reports it)."""
    by_name = {alert.name: alert for alert in alerts}
    return Board(
        dashboard.name,
        dashboard.title,
        dashboard.description,
        tuple(Strip(row.title, tuple(_panels(dashboard.name, row, slos, by_name))) for row in dashboard.rows),
        dashboard.span.file,
    )


def _panels(service: str, row: Row, slos: Slos, alerts: Mapping[str, Alert]) -> list[Panel]:
    found: list[Panel] = []
    for item in row.items:
        if isinstance(item, Panel):
            found.append(item)
        elif isinstance(item, AlertRef) and item.name == absence.NAME:
            found += absence_panels(service, slos, item.span)
        elif isinstance(item, AlertRef) and item.name in alerts:
            found.append(alert_panel(alerts[item.name], item.span))
        elif isinstance(item, SloRef):
            for slo in slos.slos:
                if slo.name == item.name and slo.id in slos.windows:
                    found += slo_panels(slo, slos, item.span)
    return found


def alert_panel(alert: Alert, span: Span) -> Panel:
    """Return the panel of an alert: its expression without comparison, its thresholds drawn."""
    return Panel(
        key=alert.name,
        title=alert.name,
        description=f"What {alert.name} ({alert.rule}) compares with its thresholds; runbook: {alert.runbook_file}.",
        kind="timeseries",
        unit=alert.unit,
        queries=tuple(Query(Expression(expr, alert.expr.span), "__auto") for expr in value_exprs(alert)),
        span=span,
        marks=tuple(Mark(level.severity, level.threshold) for level in alert.levels),
        below=fires_below(alert),
    )


def absence_panels(board: str, slos: Slos, span: Span) -> list[Panel]:
    """Return the panel of the absence alerts of the service a board is of, when it has any: a gap is no data."""
    sound = (slo for slo in absence.alarmed(slos) if slo.id in slos.windows)
    mine = [slo for slo in sound if names.dashboard_uid(slo.service) == board]
    if not mine:
        return []
    jobs = "|".join(sorted({job for slo in mine if (job := absence.job_of(slo))}))
    ids, total = f'{names.LABEL_SLO_SERVICE}="{mine[0].service}"', f'{names.LABEL_EVENTS}="total"'
    bases = dict.fromkeys(slos.windows[slo.id].base for slo in mine)
    queries = [(f"{names.events_record(base)}{{{ids}, {total}}}", f"{{{{{names.LABEL_SLO_NAME}}}}}") for base in bases]
    queries += [(f'max by (job) (up{{job=~"{jobs}"}})', "up {{job}}")] if jobs else []
    return [
        Panel(
            key=absence.NAME,
            title=absence.NAME,
            description="Events per second that each SLO counts: 0 is idle, a gap is no data. `up` is 1 while an "
            f"instance of the job answers; runbook: {names.runbook_path(absence.NAME)}.",
            kind="timeseries",
            unit="short",
            queries=tuple(Query(Expression(expr, span), legend) for expr, legend in queries),
            span=span,
            low=0.0,
        )
    ]


def slo_panels(slo: Slo, slos: Slos, span: Span) -> list[Panel]:
    """Return an SLO's SLI, burn rate (keyed by its alert) and remaining budget."""
    windows = slos.windows[slo.id]
    promise = f"{decimal_text((1 - slo.budget) * 100)}% over {slo.window}"

    def query(expr: str, legend: str) -> Query:
        return Query(Expression(expr, slo.span), legend)

    budget = series(names.SLO_ERROR_BUDGET, slo.id)
    burn = (query(f"{ratio_expr(slo, windows, window)}\n/\n{budget}", window) for window in windows.all())
    return [
        Panel(
            key=names.slo_panel_key(slo.id, "sli"),
            title=f"{slo.title}: SLI",
            description=f"Share of good {counted(slo)[0]}, in short and long windows. Promise: {promise}.",
            kind="timeseries",
            unit="percentunit",
            queries=tuple(
                query(f"1 - {series(names.sli_record(window), slo.id)}", window) for window in recorded_windows(windows)
            ),
            span=span,
            marks=(Mark("critical", slo.objective),),
            below=True,
            high=1.0,
        ),
        Panel(
            key=slo.alert,
            title=f"{slo.title}: burn rate",
            description=f"1 spends the error budget exactly in {slo.window}. {slo.alert} fires when both windows of a "
            "tier exceed its factor; runbook: " + names.runbook_path(slo.alert) + ".",
            kind="timeseries",
            unit="none",
            queries=tuple(burn),
            span=span,
            marks=tuple(Mark(tier.severity, float(tier.factor)) for tier in windows.tiers),
            low=0.0,
        ),
        Panel(
            key=names.slo_panel_key(slo.id, "budget"),
            title=f"{slo.title}: error budget left",
            description=f"Share of the {slo.window} error budget that is left, weighted by {counted(slo)[0]}.",
            kind="timeseries",
            unit="percentunit",
            queries=(query(series(names.SLO_BUDGET_REMAINING, slo.id), "left"),),
            span=span,
            marks=(Mark("critical", 0.0),),
            below=True,
            high=1.0,
        ),
    ]
