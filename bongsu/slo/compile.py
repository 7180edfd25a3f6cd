"""Compile SLOs into recording rules and burn-rate alerts, one ordered group of at most 17 rules each.

Names and labels are Sloth's, so its dashboards keep working. What differs are measured faults of the original
(research/slo.md 0 and 2.3; docs/adr/0014-*.md):

- Only two recordings read the system's own series: the rates of bad and of all events over the base window. Longer
  windows are averages of those, so that their cost does not grow with the number of series.
- A ratio is bad events by all events, never an average of ratios; an idle window is absent instead of NaN.
- A bad series that does not exist yet is zero, and one that is born with failures is counted.
- A tier waits for a number of bad events: one failure at night is no outage.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from bongsu.core import conventions as names
from bongsu.core.durations import format_duration, parse_duration
from bongsu.core.promql import WINDOW, bare, compress, fill, is_call
from bongsu.slo.births import SECONDS, with_births
from bongsu.slo.model import decimal_text, threshold
from bongsu.slo.rules import Alerting, Group, Links, Recording, last_proof
from bongsu.slo.stencil import Stencils

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.slo.model import Slo, Slos, Tier, Windows

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
    """Return the rules of one SLO: base rates, hourly rates, ratios, metadata, alerts."""
    ids = ids_of(slo)
    rules: list[Recording | Alerting] = [
        *_events(slo, windows.base, ids, factor),
        Recording(names.events_record(HOUR), f"avg_over_time({_rates(slo.id, windows.base)}[{HOUR}])", ids),
        *(_ratio(slo, windows, window, ids) for window in recorded_windows(windows)),
        *_metadata(slo, windows, ids),
        *(_alert(slo, tier, windows, links, factor) for tier in windows.tiers),
    ]
    return Group(f"bongsu-slo-{slo.id}", tuple(_faster(rule, factor) for rule in rules))


def base_rules(slo: Slo, windows: Windows, factor: float = 1.0) -> list[Recording | Alerting]:
    """Return the first rules of an SLO, the only ones that read the system's own series."""
    return [_faster(rule, factor) for rule in _events(slo, windows.base, ids_of(slo), factor)]


def ids_of(slo: Slo) -> dict[str, str]:
    """Return the labels that name an SLO on each of its series."""
    return {names.LABEL_SLO_ID: slo.id, names.LABEL_SLO_SERVICE: slo.service, names.LABEL_SLO_NAME: slo.name}


def labels_of(slo: Slo, tier: Tier) -> dict[str, str]:
    """Return the labels the rule of a tier sets; the ids of the SLO come with its series."""
    return {
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
    """Return the windows whose ratio is recorded: now, the last hour, the period. Tiers compute theirs in place."""
    return tuple(dict.fromkeys((windows.base, HOUR, windows.period)))


def ratio_expr(slo: Slo, windows: Windows, window: str) -> str:
    """Return the share of bad events of a window, out of the recorded rates; absent when nothing happened."""
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
    return f"{bad}\n/ ignoring ({names.LABEL_EVENTS})\n({total} > 0)"


def _faster(rule: Recording | Alerting, factor: float) -> Recording | Alerting:
    if factor == 1.0:
        return rule
    expr = compress(rule.expr, factor)
    if isinstance(rule, Recording):
        return Recording(rule.record, expr, rule.labels)
    return Alerting(rule.alert, expr, rule.labels, rule.annotations, rule.hold)


def _rates(slo_id: str, window: str, kind: str = "") -> str:
    """Return the selector of an SLO's recorded rates: of one kind of events, or of both."""
    kinds = f', {names.LABEL_EVENTS}="{kind}"' if kind else ""
    return f'{names.events_record(window)}{{{names.LABEL_SLO_ID}="{slo_id}"{kinds}}}'


def _events(slo: Slo, base: str, ids: Mapping[str, str], factor: float) -> list[Recording]:
    """Return the two base recordings, the only rules that read the system's own series."""
    values = {WINDOW: base, SECONDS: _number(parse_duration(base) / factor)}
    record = names.events_record(base)
    return [
        Recording(record, fill(query, values), {**ids, names.LABEL_EVENTS: kind})
        for kind, query in ((_BAD, _bad(slo)), (_TOTAL, with_births(bare(slo.total.text))))
    ]


def _bad(slo: Slo) -> str:
    """Return the bad events; a series nobody has created yet is zero as long as the total exists."""
    none = f"0 * {_operand(bare(slo.total.text))}"
    if slo.bad is not None:
        return f"{with_births(bare(slo.bad.text))}\nor\n{none}"
    total = with_births(bare(slo.total.text))
    good = with_births(bare(slo.good.text)) if slo.good is not None else total
    return f"{_operand(total)}\n-\n(\n{good}\nor\n{none}\n)"


def _operand(query: str) -> str:
    """Return a query so that it can stand beside an operator: a single call as it is, all else in parentheses."""
    return query if is_call(query) else f"({query})"


def _ratio(slo: Slo, windows: Windows, window: str, ids: Mapping[str, str]) -> Recording:
    labels = {**ids, names.LABEL_SLO_WINDOW: window}
    return Recording(names.sli_record(window), ratio_expr(slo, windows, window), labels)


def _metadata(slo: Slo, windows: Windows, ids: Mapping[str, str]) -> list[Recording]:
    days = decimal_text(Decimal(repr(parse_duration(windows.period) / DAY)))
    budget = series(names.SLO_ERROR_BUDGET, slo.id)
    on = f"on ({', '.join(ids)}) group_left"

    def burn(window: str) -> str:
        return f"{series(names.sli_record(window), slo.id)}\n/ {on}\n{budget}"

    values = {
        names.SLO_OBJECTIVE: f"vector({decimal_text(1 - slo.budget)})",
        names.SLO_ERROR_BUDGET: f"vector({decimal_text(slo.budget)})",
        names.SLO_PERIOD_DAYS: f"vector({days})",
        names.SLO_CURRENT_BURN_RATE: burn(windows.base),
        names.SLO_PERIOD_BURN_RATE: burn(windows.period),
        names.SLO_BUDGET_REMAINING: f"1 - {series(names.SLO_PERIOD_BURN_RATE, slo.id)}",
    }
    about = {"sloth_mode": "bongsu", "sloth_objective": decimal_text((1 - slo.budget) * 100), "sloth_spec": slo.spec}
    return [
        *(Recording(record, expr, ids) for record, expr in values.items()),
        Recording(names.SLO_INFO, "vector(1)", {**ids, **about}),
    ]


def _alert(slo: Slo, tier: Tier, windows: Windows, links: Links, factor: float) -> Alerting:
    limit = f"({decimal_text(tier.factor)} * {decimal_text(slo.budget)})"
    shares = [f"{ratio_expr(slo, windows, window)}\n> {limit}" for window in dict.fromkeys((tier.short, tier.long))]
    floor = [_floor(slo, tier, factor)] if tier.events else []
    expr = "\nand\n".join(shares) + "".join(floor)
    return Alerting(slo.alert, expr, labels_of(slo, tier), _annotations(slo, tier, windows, links))


def _floor(slo: Slo, tier: Tier, factor: float) -> str:
    """Return "enough bad events in the long window"; half an event less, because `rate` extrapolates both ways."""
    step = next((step for length, step in _COUNTING if tier.long_seconds <= length), _COARSE_STEP)
    sums = f"sum_over_time({_rates(slo.id, tier.base, _BAD)}[{tier.long}:{format_duration(step)}])"
    return f"\nand ignoring ({names.LABEL_EVENTS})\n{sums} * {_number(step / factor)} > {_number(tier.events - 0.5)}"


def _number(value: float) -> str:
    return decimal_text(Decimal(repr(value)))


def _annotations(slo: Slo, tier: Tier, windows: Windows, links: Links) -> dict[str, str]:
    times, share = decimal_text(tier.factor), decimal_text(threshold(tier, slo.objective) * 100)
    promise = decimal_text((1 - slo.budget) * 100)
    now = "{{ $value | humanizePercentage }}"
    both = tuple(dict.fromkeys((tier.short, tier.long)))
    over, over_ko = f"over {' and '.join(both)}", f"{', '.join(both)} 동안"
    return {
        "summary": f"{slo.title}: the error budget burns at {times} times the sustainable rate or faster.",
        "description": f"{now} of the events of the last {tier.short} were bad, and more than {share}% {over}; "
        f"the promise is {promise}% good over {windows.period}.",
        "summary_ko": f"{slo.title_ko}: 오류 예산이 지속 가능한 속도의 {times}배 이상으로 소진되고 있습니다.",
        "description_ko": f"최근 {tier.short} 동안 이벤트의 {now}가 실패했습니다. "
        f"{over_ko} 실패율이 모두 {share}%를 넘었습니다. "
        f"약속은 {windows.period} 동안 {promise}% 성공입니다.",
        "runbook_url": links.file(names.runbook_path(slo.alert)),
        "dashboard_url": links.panel(slo.service, slo.alert),
        "last_proof": last_proof(slo.alert),
    }
