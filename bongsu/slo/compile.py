"""Compile SLOs into recording rules and burn-rate alerts, one ordered group of at most 17 rules each.

Names and labels are Sloth's, so its dashboards keep working. What differs are measured faults of the original
(research/slo.md 0 and 2.3; docs/adr/0014-*.md):

- Only two recordings read the system's own series: the rates of bad and of all events over the base window. Longer
  windows are averages of those, so that their cost does not grow with the number of series.
- A ratio is bad events by all events, never an average of ratios; an idle window is absent instead of NaN.
- A bad series that does not exist yet is zero, and one that is born with failures is counted.
- A tier waits for a number of bad events: one failure at night is no outage.
- What is not measured is told apart from what is idle (bongsu/slo/absence.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core import conventions as names
from bongsu.core.durations import format_duration, parse_duration
from bongsu.core.promql import compress
from bongsu.slo.absence import absence_rules
from bongsu.slo.calendar import known_expr, length_expr, longest, past_the_hour, start_expr
from bongsu.slo.indicators import base_rates, counts_time, number
from bongsu.slo.model import Spend, decimal_text
from bongsu.slo.rules import Alerting, Group, Links, Recording, last_proof
from bongsu.slo.stencil import Stencils
from bongsu.slo.texts import description

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.slo.model import Calendar, Slo, Slos, Tier, Windows

DAY = 86400.0
HOUR = "1h"
_BAD, _TOTAL = "bad", "total"
_COARSE = 6 * 3600.0
"""Windows above this length are read at steps of the base window instead of at every evaluation."""
_COUNTING = ((3600.0, 15.0), (_COARSE, 60.0))
"""At which steps events are counted in windows up to a length, in seconds; at 5 minutes above."""
_COARSE_STEP = 300.0


def compile_slos(slos: Slos, links: Links, factor: float = 1.0) -> dict[str, str]:
    """Return `{file name: rule file}`.

    `factor` divides every range and offset; record names, labels, thresholds and factors stay as in production.
    """
    stencils = Stencils(compile_slo, base_rules, links, factor)
    return {file_name(slo): stencils.rule_file(slo, windows) for slo, windows in slos.watched()}


def file_name(slo: Slo) -> str:
    """Return the name of an SLO's rule file."""
    return f"slo-{slo.id}.rules.yml"


def compile_slo(slo: Slo, windows: Windows, links: Links, factor: float = 1.0) -> Group:
    """Return the rules of one SLO: base rates, hourly rates, ratios, metadata, alerts, absence."""
    ids = ids_of(slo)
    rules: list[Recording | Alerting] = [
        *_events(slo, windows.base, ids, factor),
        Recording(names.events_record(HOUR), f"avg_over_time({_rates(slo.id, windows.base)}[{HOUR}])", ids),
        *(_ratio(slo, windows, window, ids, factor) for window in recorded_windows(windows)),
        *_metadata(slo, windows, ids),
        *(_alert(slo, tier, windows, links, factor) for tier in windows.tiers),
        *absence_rules(slo, windows, ids, links),
    ]
    return Group(f"bongsu-slo-{slo.id}", tuple(_faster(rule, slo, factor) for rule in rules))


def base_rules(slo: Slo, windows: Windows, factor: float = 1.0) -> list[Recording | Alerting]:
    """Return the first rules of an SLO, the only ones that read the system's own series."""
    return [_faster(rule, slo, factor) for rule in _events(slo, windows.base, ids_of(slo), factor)]


def ids_of(slo: Slo) -> dict[str, str]:
    """Return the labels that name an SLO on each of its series."""
    return {names.LABEL_SLO_ID: slo.id, names.LABEL_SLO_SERVICE: slo.service, names.LABEL_SLO_NAME: slo.name}


def labels_of(slo: Slo, tier: Tier) -> dict[str, str]:
    """Return the labels the rule of a tier sets; the ids of the SLO come with its series. Ours route: they win."""
    return {
        **slo.labels,
        **slo.alert_labels.get(tier.severity, {}),
        names.LABEL_SEVERITY: tier.severity,
        names.LABEL_SERVICE: slo.service,
        names.LABEL_RULE: "SLO",
        names.LABEL_TIER: tier.name,
        names.LABEL_LONG: tier.long,
        names.LABEL_SHORT: tier.short,
    }


def series(record: str, slo_id: str) -> str:
    """Return the selector of one recorded series of an SLO."""
    return f'{record}{{{names.LABEL_SLO_ID}="{slo_id}"}}'


def recorded_windows(windows: Windows) -> tuple[str, ...]:
    """Return the windows whose ratio is recorded: now and the period. Tiers compute theirs in place."""
    return tuple(dict.fromkeys((windows.base, windows.budget)))


def ratio_expr(slo: Slo, windows: Windows, window: str) -> str:
    """Return the share of bad events of a rolling window, out of the recorded rates; absent when nothing happened."""
    if window == windows.base:
        bad, total = _rates(slo.id, window, _BAD), _rates(slo.id, window, _TOTAL)
    elif window == windows.period and parse_duration(window) > 3 * DAY:
        # Sums of hourly rates: each event of the period counts once, whenever it came.
        bad, total = (f"sum_over_time({_rates(slo.id, HOUR, kind)}[{window}:{HOUR}])" for kind in (_BAD, _TOTAL))
    elif parse_duration(window) > _COARSE:
        span = f"[{window}:{windows.base}]"
        bad, total = (f"sum_over_time({_rates(slo.id, windows.base, kind)}{span})" for kind in (_BAD, _TOTAL))
    else:
        bad, total = (f"avg_over_time({_rates(slo.id, windows.base, kind)}[{window}])" for kind in (_BAD, _TOTAL))
    return _share(bad, total)


def _share(bad: str, total: str) -> str:
    return f"{bad}\n/ ignoring ({names.LABEL_EVENTS})\n({total} > 0)"


def _since_start(slo: Slo, windows: Windows, calendar: Calendar, factor: float) -> tuple[str, str]:
    """Return bad and total events since the calendar's window began.

    A sample counts when more than half of the stretch it stands for came after the start; `@ end()` fixes the start at
    the evaluation, and scalars spare a join (`and on ()`) of each sample. Of time and money the whole window is known
    in advance, and a bad hour on its first day is as much of the budget as on its last: the total is then that of the
    whole window.
    """
    unit = windows.base if parse_duration(windows.period) <= 3 * DAY else HOUR
    seconds = parse_duration(unit)
    late = -past_the_hour(calendar) % 3600 % seconds
    offset = f" offset {format_duration(late)}" if late else ""
    start = f"scalar(last_over_time((\n{start_expr(calendar)}\n)[1m:1m] @ end()))"
    mine = f"(time() > bool {start} + {number((seconds / 2 + late) / factor)})"
    span = f"[{format_duration(longest(calendar) + seconds)}:{unit}]"
    bad, total = (f"{_rates(slo.id, unit, kind)}{offset}" for kind in (_BAD, _TOTAL))
    bad = f"sum_over_time(({bad} * {mine}){span})"
    if counts_time(slo.indicator):
        return bad, f"avg_over_time({total}{span}) * {length_expr(calendar)} / {number(seconds)}"
    if isinstance(slo.indicator, Spend):
        whole = number(parse_duration(windows.period) / seconds)
        return bad, f"avg_over_time({total}{span}) * {whole} * {known_expr(calendar)}"
    return bad, f"sum_over_time(({total} * {mine}){span})"


def _faster(rule: Recording | Alerting, slo: Slo, factor: float) -> Recording | Alerting:
    if factor == 1.0 and not slo.labels:
        return rule
    expr = compress(rule.expr, factor)
    if isinstance(rule, Recording):
        return Recording(rule.record, expr, {**slo.labels, **rule.labels})
    return Alerting(rule.alert, expr, rule.labels, rule.annotations, rule.hold / factor, rule.keep / factor)


def _rates(slo_id: str, window: str, kind: str = "") -> str:
    """Return the selector of an SLO's recorded rates: of one kind of events, or of both."""
    kinds = f', {names.LABEL_EVENTS}="{kind}"' if kind else ""
    return f'{names.events_record(window)}{{{names.LABEL_SLO_ID}="{slo_id}"{kinds}}}'


def _events(slo: Slo, base: str, ids: Mapping[str, str], factor: float) -> list[Recording]:
    """Return the two base recordings, the only rules that read the system's own series."""
    record = names.events_record(base)
    return [
        Recording(record, query, {**ids, names.LABEL_EVENTS: kind})
        for kind, query in zip((_BAD, _TOTAL), base_rates(slo, base, factor), strict=True)
    ]


def _ratio(slo: Slo, windows: Windows, window: str, ids: Mapping[str, str], factor: float) -> Recording:
    labels = {**ids, names.LABEL_SLO_WINDOW: window}
    if windows.calendar and window == windows.budget:
        expr = _share(*_since_start(slo, windows, windows.calendar, factor))
    else:
        expr = ratio_expr(slo, windows, window)
    return Recording(names.sli_record(window), expr, labels)


def _metadata(slo: Slo, windows: Windows, ids: Mapping[str, str]) -> list[Recording]:
    days = number(parse_duration(windows.period) / DAY)
    budget = series(names.SLO_ERROR_BUDGET, slo.id)
    on = f"on ({', '.join(ids)}) group_left"

    def burn(window: str) -> str:
        return f"{series(names.sli_record(window), slo.id)}\n/ {on}\n{budget}"

    values = {
        names.SLO_OBJECTIVE: f"vector({decimal_text(1 - slo.budget)})",
        names.SLO_ERROR_BUDGET: f"vector({decimal_text(slo.budget)})",
        names.SLO_PERIOD_DAYS: f"vector({days})",
        names.SLO_CURRENT_BURN_RATE: burn(windows.base),
        names.SLO_PERIOD_BURN_RATE: burn(windows.budget),
        names.SLO_BUDGET_REMAINING: f"1 - {series(names.SLO_PERIOD_BURN_RATE, slo.id)}",
    }
    about = {"sloth_mode": "bongsu", "sloth_objective": decimal_text((1 - slo.budget) * 100), "sloth_spec": slo.spec}
    return [
        *(Recording(record, expr, ids) for record, expr in values.items()),
        Recording(names.SLO_INFO, "vector(1)", {**ids, **about}),
    ]


def _alert(slo: Slo, tier: Tier, windows: Windows, links: Links, factor: float) -> Alerting:
    limit = f"({decimal_text(tier.factor)} * {decimal_text(slo.budget)})"
    both = dict.fromkeys((tier.short, tier.long))
    shares = [f"{ratio_expr(slo, windows, window)}\n{tier.op} {limit}" for window in both]
    floor = [_floor(slo, tier, factor)] if tier.events else []
    expr = "\nand\n".join(shares) + "".join(floor)
    annotations = {
        **slo.annotations,
        **_annotations(slo, tier, links),
        **slo.alert_annotations.get(tier.severity, {}),
    }
    return Alerting(slo.alert, expr, labels_of(slo, tier), annotations, tier.hold)


def _floor(slo: Slo, tier: Tier, factor: float) -> str:
    """Return "enough bad events in the long window"; half an event less, because `rate` extrapolates both ways."""
    step = next((step for length, step in _COUNTING if tier.long_seconds <= length), _COARSE_STEP)
    sums = f"sum_over_time({_rates(slo.id, tier.base, _BAD)}[{tier.long}:{format_duration(step)}])"
    return f"\nand ignoring ({names.LABEL_EVENTS})\n{sums} * {number(step / factor)} > {number(tier.events - 0.5)}"


def _annotations(slo: Slo, tier: Tier, links: Links) -> dict[str, str]:
    times = decimal_text(tier.factor)
    en, ko = description(slo, tier)
    return {
        "summary": f"{slo.title}: the error budget burns at {times} times the sustainable rate or faster.",
        "description": en,
        "summary_ko": f"{slo.title_ko}: 오류 예산이 지속 가능한 속도의 {times}배 이상으로 소진되고 있습니다.",
        "description_ko": ko,
        "runbook_url": slo.runbook_url or links.file(names.runbook_path(slo.alert)),
        "dashboard_url": links.panel(slo.service, slo.alert),
        "last_proof": last_proof(slo.alert),
    }
