"""Compile threshold alerts into one rule file each: per severity a rule of the same name."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from bongsu.core import conventions as names
from bongsu.core.durations import format_duration
from bongsu.core.promql import THRESHOLD, compress, fill
from bongsu.slo.model import decimal_text
from bongsu.slo.rules import Alerting, Group, Links, last_proof, rule_file

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bongsu.alerts.model import Alert, Detail, Level


def compile_alerts(alerts: Iterable[Alert], links: Links, factor: float = 1.0) -> dict[str, str]:
    """Return `{file name: rule file}`.

    `factor` divides every range, offset, `for` and `keep_firing_for`; thresholds, counts, floors and labels stay as
    in production.
    """
    return {file_name(a): rule_file(compile_alert(a, links, factor), a.span.file) for a in alerts}


def file_name(alert: Alert) -> str:
    """Return the name of an alert's rule file: one per alert keeps replaying them linear."""
    return f"alerts-{alert.name}.rules.yml"


def compile_alert(alert: Alert, links: Links, factor: float = 1.0) -> Group:
    """Return the rules of one alert, the most severe level first."""
    return Group(f"bongsu-alert-{alert.name}", tuple(_rule(alert, level, links, factor) for level in alert.levels))


def labels_of(alert: Alert, level: Level) -> dict[str, str]:
    """Return the labels a rule sets."""
    return {
        names.LABEL_SEVERITY: level.severity,
        names.LABEL_SERVICE: alert.service,
        names.LABEL_RULE: alert.rule,
        **alert.labels,
    }


def threshold_text(value: float, unit: str) -> str:
    """Return a threshold as people read it: 95%, 10s, 50."""
    exact = Decimal(repr(value))
    match unit:
        case "percentunit":
            return f"{decimal_text(exact * 100)}%"
        case "s":
            return format_duration(value)
        case "currencyUSD":
            return f"${decimal_text(exact)}"
        case _:
            return decimal_text(exact)


def _rule(alert: Alert, level: Level, links: Links, factor: float) -> Alerting:
    expr = compress(fill(alert.expr.text, {THRESHOLD: decimal_text(Decimal(repr(level.threshold)))}), factor)
    shown = {THRESHOLD: threshold_text(level.threshold, alert.unit)}
    annotations = {
        "summary": fill(alert.summary.en, shown),
        "description": fill(alert.description.en, shown),
        "summary_ko": fill(alert.summary.ko, shown),
        "description_ko": fill(alert.description.ko, shown),
        **({"detail": _listed(alert.detail, factor)} if alert.detail else {}),
        "runbook_url": links.file(alert.runbook_file),
        "dashboard_url": links.panel(alert.service, alert.name),
        "last_proof": last_proof(alert.name),
    }
    return Alerting(alert.name, expr, labels_of(alert, level), annotations, alert.hold / factor, alert.keep / factor)


def _listed(detail: Detail, factor: float) -> str:
    """Return the template that lists a query's series; JSON's escapes of text are Go's."""
    query = json.dumps(compress(detail.expr.text, factor), ensure_ascii=False)
    series = f'{{{{ range $i, $s := query {query} | sortByLabel "{detail.label}" }}}}'
    return f"{series}{{{{ if $i }}}}, {{{{ end }}}}{{{{ $s.Labels.{detail.label} }}}} {{{{ $s.Value }}}}{{{{ end }}}}"
