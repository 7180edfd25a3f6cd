"""Every check, in the order of its code; a test proves that files, codes, docs and goldens agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.checks import (
    alert_duplicate,
    alert_levels,
    alert_panel,
    alert_route,
    alert_runbook,
    alert_runbook_file,
    alert_template,
    alert_unproved,
    dashboard_duplicate,
    dashboard_reference,
    expr_bucket,
    expr_counter,
    expr_label,
    expr_metric,
    expr_regexp,
    expr_syntax,
    inhibition_circular,
    inhibition_unknown,
    label_required,
    metric_unused,
    online_no_series,
    route_gap,
    route_never_active,
    route_secret,
    route_shadowed,
    runbook_action,
    runbook_experiment,
    runbook_heals_nothing,
    runbook_orphan,
    runbook_steps_differ,
    runbook_untranslated,
    service_unknown,
    slo_calendar_end,
    slo_dead_tier,
    slo_duplicate,
    slo_objective,
    slo_reference,
    slo_target,
)
from bongsu.core.diagnostics import Severity, has_errors, ordered
from bongsu.core.snooze import Verdict, put_off

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from bongsu.checks.model import Catalogue, Check
    from bongsu.core.diagnostics import Problem

CHECKS: tuple[Check, ...] = (
    alert_duplicate,
    alert_levels,
    alert_panel,
    alert_route,
    alert_runbook,
    alert_runbook_file,
    alert_template,
    alert_unproved,
    dashboard_duplicate,
    dashboard_reference,
    expr_bucket,
    expr_counter,
    expr_label,
    expr_metric,
    expr_regexp,
    expr_syntax,
    inhibition_circular,
    inhibition_unknown,
    label_required,
    metric_unused,
    online_no_series,
    route_gap,
    route_never_active,
    route_secret,
    route_shadowed,
    runbook_action,
    runbook_experiment,
    runbook_heals_nothing,
    runbook_orphan,
    runbook_steps_differ,
    runbook_untranslated,
    service_unknown,
    slo_calendar_end,
    slo_dead_tier,
    slo_duplicate,
    slo_objective,
    slo_reference,
    slo_target,
)


SNOOZABLE = frozenset(check.CODE for check in CHECKS if check.SEVERITY is Severity.WARNING) | {
    "spec/no-effect",
    "alert/runbook-file",
    "expr/bucket",
    "expr/label",
    "expr/metric",
    "runbook/steps-differ",
    "slo/target",
}
"""What may be put off: warnings, and errors about what is still to come elsewhere (docs/adr/0017-snooze.md)."""


def judge(catalogue: Catalogue, today: date) -> Verdict:
    """Return what is to be said about a catalogue on a day: every problem that no comment puts off."""
    unasked: Collection[str] = () if catalogue.live else (online_no_series.CODE,)
    if has_errors(catalogue.problems):
        unasked = SNOOZABLE  # what cannot be read may hold what a comment was written for
    return put_off(check_all(catalogue), catalogue.sources, today, SNOOZABLE, unasked)


def check_all(catalogue: Catalogue) -> list[Problem]:
    """Return the problems of the loaders and of every check, by place."""
    return ordered([*catalogue.problems, *(found for check in CHECKS for found in check.find(catalogue))])
