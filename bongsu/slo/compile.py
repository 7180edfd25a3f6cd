"""Compile SLOs into recording rules and burn-rate alerts, one ordered group each.

Names and labels are Sloth's, so its dashboards keep working. Three things differ, each a measured fault of the
original (research/slo.md 0 and 2.3): the period budget is weighted by events instead of averaging ratios, an idle
window is absent instead of NaN, and a bad series that does not exist yet counts as zero.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from bongsu.core import conventions as names
from bongsu.core.durations import parse_duration
from bongsu.core.promql import WINDOW, bare, closing, compress, fill, words
from bongsu.slo.model import decimal_text, threshold
from bongsu.slo.rules import Alerting, Group, Links, Recording, last_proof, rule_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.slo.model import Slo, Slos, Tier, Windows

_DAY = 86400.0


def compile_slos(slos: Slos, links: Links, factor: float = 1.0) -> dict[str, str]:
    """Return `{file name: rule file}`.

    `factor` divides every range and offset; record names, labels, thresholds and factors stay as in production.
    """
    return {
        file_name(slo): rule_file(compile_slo(slo, slos.windows[slo.period], links, factor), slo.span.file)
        for slo in slos.slos
    }


def file_name(slo: Slo) -> str:
    """Return the name of an SLO's rule file."""
    return f"slo-{slo.id}.rules.yml"


def compile_slo(slo: Slo, windows: Windows, links: Links, factor: float = 1.0) -> Group:
    """Return the rules of one SLO: base rates, ratios per window, period ratio, metadata, alerts."""
    ids = ids_of(slo)
    rules: list[Recording | Alerting] = [
        Recording(names.bad_record(windows.base), _at(_bad(slo), windows.base), ids),
        Recording(names.total_record(windows.base), _at(bare(slo.total.text), windows.base), ids),
        *(_ratio(slo, window, ids) for window in windows.all()),
        _period_ratio(windows, ids),
        *_metadata(slo, windows, ids),
        *(_alert(slo, tier, windows, links, ids) for tier in windows.tiers),
    ]
    return Group(f"bongsu-slo-{slo.id}", tuple(_faster(rule, factor) for rule in rules))


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


def series(record: str, ids: Mapping[str, str]) -> str:
    """Return the selector of one recorded series of an SLO."""
    return record + "{" + ", ".join(f'{key}="{value}"' for key, value in ids.items()) + "}"


def _faster(rule: Recording | Alerting, factor: float) -> Recording | Alerting:
    expr = compress(rule.expr, factor)
    if isinstance(rule, Recording):
        return Recording(rule.record, expr, rule.labels)
    return Alerting(rule.alert, expr, rule.labels, rule.annotations, rule.hold)


def _at(query: str, window: str) -> str:
    return fill(query, {WINDOW: window})


def _bad(slo: Slo) -> str:
    """Return the bad events; a series nobody has created yet is zero as long as the total exists."""
    none = f"0 * {_total(slo)}"
    if slo.bad is not None:
        return f"{bare(slo.bad.text)}\nor\n{none}"
    good = bare(slo.good.text) if slo.good is not None else _total(slo)
    return f"{_total(slo)}\n-\n(\n{good}\nor\n{none}\n)"


def _total(slo: Slo) -> str:
    """Return the total so that it can stand beside an operator: a single call as it is, all else in parentheses."""
    query = bare(slo.total.text)
    parts = words(query)
    call = len(parts) > 1 and parts[1].text == "(" and closing(parts, 1) == len(parts) - 1
    return query if call else f"({query})"


def _ratio(slo: Slo, window: str, ids: Mapping[str, str]) -> Recording:
    expr = f"(\n{_bad(slo)}\n)\n/\n({_total(slo)} > 0)"
    return Recording(names.sli_record(window), _at(expr, window), {**ids, names.LABEL_SLO_WINDOW: window})


def _period_ratio(windows: Windows, ids: Mapping[str, str]) -> Recording:
    """Sum the base rates at steps of their own window: each event of the period counts once, whenever it came."""
    span = f"[{windows.period}:{windows.base}]"
    bad, total = (series(record(windows.base), ids) for record in (names.bad_record, names.total_record))
    expr = f"sum_over_time({bad}{span})\n/\n(sum_over_time({total}{span}) > 0)"
    return Recording(names.sli_record(windows.period), expr, {**ids, names.LABEL_SLO_WINDOW: windows.period})


def _metadata(slo: Slo, windows: Windows, ids: Mapping[str, str]) -> list[Recording]:
    days = decimal_text(Decimal(repr(parse_duration(windows.period) / _DAY)))
    budget = series(names.SLO_ERROR_BUDGET, ids)
    on = f"on ({', '.join(ids)}) group_left"

    def burn(window: str) -> str:
        return f"{series(names.sli_record(window), ids)}\n/ {on}\n{budget}"

    values = {
        names.SLO_OBJECTIVE: f"vector({decimal_text(1 - slo.budget)})",
        names.SLO_ERROR_BUDGET: f"vector({decimal_text(slo.budget)})",
        names.SLO_PERIOD_DAYS: f"vector({days})",
        names.SLO_CURRENT_BURN_RATE: burn(windows.base),
        names.SLO_PERIOD_BURN_RATE: burn(windows.period),
        names.SLO_BUDGET_REMAINING: f"1 - {series(names.SLO_PERIOD_BURN_RATE, ids)}",
    }
    return [Recording(record, expr, ids) for record, expr in values.items()]


def _alert(slo: Slo, tier: Tier, windows: Windows, links: Links, ids: Mapping[str, str]) -> Alerting:
    limit = f"({decimal_text(tier.factor)} * {decimal_text(slo.budget)})"
    expr = "\nand\n".join(
        f"max without ({names.LABEL_SLO_WINDOW}) ({series(names.sli_record(window), ids)} > {limit})"
        for window in (tier.short, tier.long)
    )
    return Alerting(slo.alert, expr, labels_of(slo, tier), _annotations(slo, tier, windows, links))


def _annotations(slo: Slo, tier: Tier, windows: Windows, links: Links) -> dict[str, str]:
    times, share = decimal_text(tier.factor), decimal_text(threshold(tier, slo.objective) * 100)
    promise = decimal_text((1 - slo.budget) * 100)
    now = "{{ $value | humanizePercentage }}"
    return {
        "summary": f"{slo.title}: the error budget burns at {times} times the sustainable rate or faster.",
        "description": f"{now} of the events of the last {tier.short} were bad, and more than {share}% over both "
        f"{tier.short} and {tier.long}; the promise is {promise}% good over {windows.period}.",
        "summary_ko": f"{slo.title_ko}: 오류 예산이 지속 가능한 속도의 {times}배 이상으로 소진되고 있습니다.",
        "description_ko": f"최근 {tier.short} 동안 이벤트의 {now}가 실패했습니다. "
        f"두 기간({tier.short}, {tier.long}) 모두 {share}%를 넘었습니다. "
        f"약속은 {windows.period} 동안 {promise}% 성공입니다.",
        "runbook_url": links.file(names.runbook_path(slo.alert)),
        "dashboard_url": links.panel(slo.service, slo.alert),
        "last_proof": last_proof(slo.alert),
    }
