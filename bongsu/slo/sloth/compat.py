"""Compile SLOs into Sloth's own rules: its groups, names, labels, annotations and expressions, number for number.

For who must change nothing yet: dashboards, alerts and what is compared with them stay as they are. The measured
faults of these rules stay too (docs/sloth.md); bongsu/slo/compile.py is what we recommend.

Source: https://github.com/slok/sloth v0.16.0, internal/plugin/slo/core/{sli_rules,metadata_rules,alert_rules}_v1 and
internal/alert. Arithmetic is done in floats in Sloth's order, because its output shows it: 0.0009999999999999432.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from bongsu.core import conventions as names
from bongsu.core.durations import parse_duration
from bongsu.core.promql import WINDOW, fill
from bongsu.slo.model import Ratio, Raw, decimal_text
from bongsu.slo.rules import Alerting, Group, Recording
from bongsu.slo.sloth.model import MODES, OPENSLO, Alert, Document, Sli, SlothSlo
from bongsu.slo.sloth.native import CRITICAL, PERIOD, WARNING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.slo.model import Indicator, Slo
    from bongsu.slo.windows import WindowRules

VERSION = "v0.16.0"
"""The Sloth whose rules these are; it stands in the label `sloth_version`."""
DAY, HOUR = 86400.0, 3600.0
_PAGE, _TICKET = "page", "ticket"
_HUNDRED = 100
_UNITS = (("y", 365 * DAY, True), ("w", 7 * DAY, True), ("d", DAY, False), ("h", HOUR, False), ("m", 60.0, False))
"""Go's Prometheus library writes years and weeks only when nothing remains: 28d is 4w, 30d stays."""
_V1ALPHA_RATIO = "\n  1 - (\n    (\n      {good}\n    )\n    /\n    (\n      {total}\n    )\n  )\n"


@dataclass(frozen=True, slots=True)
class Pair:
    """One burn-rate condition: windows in seconds, `percent` of the budget spent in the long one."""

    short: float
    long: float
    percent: float


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The four conditions of a period (seconds)."""

    period: float
    page: tuple[Pair, Pair]
    ticket: tuple[Pair, Pair]

    def windows(self) -> list[float]:
        """Return every window once, shortest first."""
        return sorted({window for pair in (*self.page, *self.ticket) for window in (pair.short, pair.long)})


@dataclass(frozen=True, slots=True)
class Flags:
    """What Sloth's command line says about every SLO: `--default-slo-period`, `--extra-labels`, `--disable-*`."""

    period: str = PERIOD
    labels: Mapping[str, str] = field(default_factory=dict)
    alerts: bool = True
    recordings: bool = True


_WORKBOOK_PAGE = (Pair(300.0, HOUR, 2.0), Pair(1800.0, 6 * HOUR, 5.0))
_WORKBOOK_TICKET = (Pair(2 * HOUR, DAY, 10.0), Pair(6 * HOUR, 3 * DAY, 10.0))
BUILT_IN = {days * DAY: Catalogue(days * DAY, _WORKBOOK_PAGE, _WORKBOOK_TICKET) for days in (28, 30)}


def catalogue_of(rules: WindowRules) -> Catalogue:
    """Return the conditions of an AlertWindows document; its tiers stand in the order page, ticket; quick, slow."""
    quick, slow, day, days = (Pair(tier.short, tier.long, float(tier.budget * _HUNDRED)) for tier in rules.tiers)
    return Catalogue(rules.period, (quick, slow), (day, days))


def period_of(slo: SlothSlo, flags: Flags) -> float:
    """Return the period of an SLO in seconds."""
    return parse_duration(slo.period or flags.period)


def compile_document(document: Document, catalogues: Mapping[float, Catalogue], flags: Flags) -> list[Group]:
    """Return the rule groups of a document; each SLO's period must have a catalogue."""
    return [
        group
        for slo in document.slos
        for group in compile_slo(slo, document.spec, catalogues[period_of(slo, flags)], flags)
        if group.rules
    ]


def compile_slo(slo: SlothSlo, spec: str, catalogue: Catalogue, flags: Flags) -> tuple[Group, Group, Group]:
    """Return Sloth's three groups of one SLO; those that the flags or the SLO switch off are empty."""
    labels = {**slo.labels, **flags.labels}
    recordings = [*_slis(slo, catalogue, labels)], [*_metadata(slo, spec, catalogue, labels)]
    slis, metadata = recordings if flags.recordings else ([], [])
    return (
        Group(f"sloth-slo-sli-recordings-{slo.id}", tuple(slis)),
        Group(f"sloth-slo-meta-recordings-{slo.id}", tuple(metadata)),
        Group(f"sloth-slo-alerts-{slo.id}", tuple(_alerts(slo, catalogue)) if flags.alerts else ()),
    )


def expressible(slo: Slo) -> bool:
    """Tell whether Sloth has words for an SLO: a ratio of events or a share of errors, over a rolling window."""
    return _sli_of(slo.indicator) is not None and not (slo.calendar or slo.policies or slo.exclusions)


def of_slo(slo: Slo) -> SlothSlo:
    """Return one of our SLOs as Sloth would know it; alerts carry the labels that our routes look at.

    `expressible` must hold.
    """
    levels = {
        severity: Alert(
            {**slo.alert_labels.get(severity, {}), **_routing(slo, severity)},
            {**slo.annotations, **slo.alert_annotations.get(severity, {})},
        )
        for severity in (CRITICAL, WARNING)
        if severity not in slo.silent
    }
    return SlothSlo(
        slo.service,
        slo.name,
        slo.title,
        slo.objective * _HUNDRED,
        slo.labels,
        _sli_of(slo.indicator) or Sli(),
        slo.alert,
        levels.get(CRITICAL),
        levels.get(WARNING),
        slo.span,
        slo.objective_span,
        slo.service_span,
        slo.alert_span,
        slo.period,
    )


def dead(slo: SlothSlo, catalogue: Catalogue) -> list[str]:
    """Return the conditions that not even a total outage meets, in Sloth's words (`page-quick`)."""
    budget = _budget(slo)
    levels = ((_PAGE, slo.page, catalogue.page), (_TICKET, slo.ticket, catalogue.ticket))
    return [
        f"{level}-{speed}"
        for level, alert, pairs in levels
        for speed, pair in zip(("quick", "slow"), pairs, strict=True)
        if alert is not None and _factor(pair, catalogue.period) * budget >= 1
    ]


def go_duration(seconds: float) -> str:
    """Return a duration as Go's Prometheus library writes it."""
    rest, parts = round(seconds * 1000), []
    for unit, size, exact in (*_UNITS, ("s", 1.0, False), ("ms", 0.001, False)):
        step = round(size * 1000)
        if rest >= step and not (exact and rest % step):
            count, rest = divmod(rest, step)
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def go_number(value: float) -> str:
    """Return a float as Go prints it: the shortest that reads back, integers without a point."""
    return repr(float(value)).removesuffix(".0")


def _sli_of(indicator: Indicator) -> Sli | None:
    match indicator:
        case Ratio(total=total, bad=bad, good=good, counter=True):
            return Sli(error=bad, good=good, total=total)
        case Raw(query=query, success=False):
            return Sli(ratio=query)
    return None


def _routing(slo: Slo, severity: str) -> dict[str, str]:
    """Return the labels that alerts/routes.yaml looks at."""
    return {names.LABEL_SERVICE: slo.service, names.LABEL_SEVERITY: severity}


def _ids(slo: SlothSlo) -> dict[str, str]:
    return {names.LABEL_SLO_ID: slo.id, names.LABEL_SLO_SERVICE: slo.service, names.LABEL_SLO_NAME: slo.name}


def _filter(slo: SlothSlo) -> str:
    return "{" + ", ".join(f'{key}="{value}"' for key, value in sorted(_ids(slo).items())) + "}"


def _budget(slo: SlothSlo) -> float:
    return (_HUNDRED - slo.objective) / _HUNDRED


def _factor(pair: Pair, period: float) -> float:
    return pair.percent * (period / HOUR) / _HUNDRED / (pair.long / HOUR)


def _slis(slo: SlothSlo, catalogue: Catalogue, labels: Mapping[str, str]) -> list[Recording]:
    """Return the ratio of errors of each window, and of the period as an average of the shortest page window's."""
    ratio = _ratio(slo.sli)
    found = [
        (window, fill(ratio, {WINDOW: go_duration(window)}))
        for window in catalogue.windows()
        if window != catalogue.period
    ]
    record, span = names.sli_record(go_duration(catalogue.page[0].short)), go_duration(catalogue.period)
    over = f"{record}{_filter(slo)}[{span}]"
    whole = f"sum_over_time({over})\n/ ignoring ({names.LABEL_SLO_WINDOW})\ncount_over_time({over})\n"
    return [
        Recording(
            names.sli_record(go_duration(window)),
            expr,
            _sorted({**_ids(slo), names.LABEL_SLO_WINDOW: go_duration(window), **labels}),
        )
        for window, expr in (*found, (catalogue.period, whole))
    ]


def _ratio(sli: Sli) -> str:
    if sli.ratio is not None:
        return f"({sli.ratio.text})"
    total = sli.total.text if sli.total is not None else ""
    if sli.good is not None:
        return f"({_V1ALPHA_RATIO.format(good=sli.good.text, total=total)})"
    return f"({sli.error.text if sli.error is not None else ''})\n/\n({total})\n"


def _metadata(slo: SlothSlo, spec: str, catalogue: Catalogue, labels: Mapping[str, str]) -> list[Recording]:
    ids, where = {**_ids(slo), **labels}, _filter(slo)
    objective = go_number(slo.objective / _HUNDRED)
    on = f"/ on({names.LABEL_SLO_ID}, {names.LABEL_SLO_NAME}, {names.LABEL_SLO_SERVICE}) group_left"

    def burn(window: float) -> str:
        ratio = f"{names.sli_record(go_duration(window))}{where}"
        return f"{ratio}\n{on}\n{names.SLO_ERROR_BUDGET}{where}\n"

    values = {
        names.SLO_OBJECTIVE: f"vector({objective})",
        names.SLO_ERROR_BUDGET: f"vector(1-{objective})",
        names.SLO_PERIOD_DAYS: f"vector({go_number(catalogue.period / DAY)})",
        names.SLO_CURRENT_BURN_RATE: burn(catalogue.page[0].short),
        names.SLO_PERIOD_BURN_RATE: burn(catalogue.period),
        names.SLO_BUDGET_REMAINING: f"1 - {names.SLO_PERIOD_BURN_RATE}{where}",
    }
    about = {
        "sloth_version": VERSION,
        "sloth_mode": MODES.get(spec, MODES[OPENSLO]),
        "sloth_spec": spec,
        "sloth_objective": decimal_text(Decimal(repr(float(slo.objective)))),
    }
    return [
        *(Recording(record, expr, _sorted(ids)) for record, expr in values.items()),
        Recording(names.SLO_INFO, "vector(1)", _sorted({**ids, **about})),
    ]


def _alerts(slo: SlothSlo, catalogue: Catalogue) -> list[Alerting]:
    levels = ((_PAGE, slo.page, catalogue.page), (_TICKET, slo.ticket, catalogue.ticket))
    return [_alert(slo, level, alert, pairs, catalogue.period) for level, alert, pairs in levels if alert is not None]


def _alert(slo: SlothSlo, level: str, alert: Alert, pairs: tuple[Pair, Pair], period: float) -> Alerting:
    who = f"{{{{$labels.{names.LABEL_SLO_SERVICE}}}}} {{{{$labels.{names.LABEL_SLO_NAME}}}}}"
    annotations = {
        "title": f"({level}) {who} SLO error budget burn rate is too fast.",
        "summary": f"{who} SLO error budget burn rate is over expected.",
    }
    expr = "or\n".join(_condition(slo, pair, period) for pair in pairs)
    labels = {names.LABEL_SLO_SEVERITY: level, **alert.labels}
    return Alerting(slo.alert, expr, _sorted(labels), _sorted({**annotations, **alert.annotations}))


def _condition(slo: SlothSlo, pair: Pair, period: float) -> str:
    limit = f"({go_number(_factor(pair, period))} * {go_number(_budget(slo))})"
    short, long = (
        f"    max({names.sli_record(go_duration(window))}{_filter(slo)} > {limit}) without ({names.LABEL_SLO_WINDOW})\n"
        for window in (pair.short, pair.long)
    )
    return f"(\n{short}    and\n{long})\n"


def _sorted(labels: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(labels.items()))
