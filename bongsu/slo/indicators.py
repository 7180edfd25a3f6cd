"""Turn each kind of indicator into the two rates everything else is made of: bad and total events per second.

What is no event is made one (docs/adr/0021-*.md). Where time counts, a second with data is an event: `total` is 1 while
there is data (or the number of series, each of which counts), `bad` between 0 and that. Where money or tokens count, a
unit spent is a bad event, and `total` is the allowed rate divided by the error budget: the burn rate is then what goes
over what may go. Only counters have births.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import TYPE_CHECKING

from bongsu.core.durations import format_duration, parse_duration
from bongsu.core.promql import WINDOW, bare, fill, is_call
from bongsu.slo.births import SECONDS, with_births
from bongsu.slo.model import Ratio, Raw, Spend, Threshold, Timeslices, decimal_text

if TYPE_CHECKING:
    from bongsu.slo.model import Indicator, Slo

SAMPLES = 20
"""How often a value without a window of its own is looked at in one window: every 15 s in 5 m."""
_NOT = {"lt": ">=", "lte": ">", "gt": "<=", "gte": "<"}
_PRECISE = Context(prec=12)
_HISTOGRAM = re.compile(r"\bhistogram_[a-z]+\s*\(")


def counts_time(indicator: Indicator) -> bool:
    """Tell whether the events of an indicator are stretches of time, of which every window has a known number."""
    return isinstance(indicator, Raw | Threshold | Timeslices)


def counts_events(indicator: Indicator) -> bool:
    """Tell whether the indicator counts events of the system, so that a tier can wait for a number of them."""
    return isinstance(indicator, Ratio) and indicator.counter


def reads_native_histograms(query: str) -> bool:
    """Tell whether a query calls a function of native histograms; a quantile is also one of classic buckets."""
    return any(not call.startswith("histogram_quantile") for call in _HISTOGRAM.findall(query))


def base_rates(slo: Slo, base: str, factor: float = 1.0) -> tuple[str, str]:
    """Return the PromQL of bad and of total events per second over the base window."""
    if isinstance(slo.indicator, Spend):
        bad, total = _spend(slo.indicator, slo, base, factor)
    elif isinstance(slo.indicator, Timeslices):
        bad, total = _timeslices(slo.indicator, base, factor)
    else:
        bad, total = _rates(slo.indicator, base, factor)
    if not slo.exclusions:
        return bad, total
    # Zero and not absent: an hour half of which is excluded must count for half an hour of events.
    counted = f"scalar((count({excluded(slo, base)}) or vector(0)) == bool 0)"
    return f"(\n{bad}\n)\n* {counted}", f"(\n{total}\n)\n* {counted}"


def number(value: float) -> str:
    """Return a float as PromQL writes it, without an exponent."""
    return decimal_text(Decimal(repr(value)))


def _rates(indicator: Ratio | Raw | Threshold, window: str, factor: float) -> tuple[str, str]:
    match indicator:
        case Ratio():
            bad, total = _ratio(indicator, window)
        case Threshold(query=query, op=op, limit=limit):
            seen = f"({bare(query.text)}) >= -Inf"  # drops NaN, which no comparison would call bad
            bad, total = _time(f"({seen}) {_NOT[op]} bool {decimal_text(limit)}", seen, window)
        case Raw(query=query, success=success):
            seen = f"({bare(query.text)}) >= -Inf"
            share = f"clamp({seen}, 0, 1)"
            bad, total = _time(f"1 - {share}" if success else share, seen, window)
    values = {WINDOW: window, SECONDS: number(parse_duration(window) / factor)}
    return fill(bad, values), fill(total, values)


def _ratio(ratio: Ratio, window: str) -> tuple[str, str]:
    """Return bad and total; a bad series nobody has created yet is zero as long as the total exists."""

    def read(query: str) -> str:
        return _counter(query) if ratio.counter else _gauge(query, window)

    plain = bare(ratio.total.text) if ratio.counter else _gauge(bare(ratio.total.text), window)
    total, none = read(bare(ratio.total.text)), f"0 * {_operand(plain)}"
    if ratio.bad is not None:
        return f"{read(bare(ratio.bad.text))}\nor\n{none}", total
    good = read(bare(ratio.good.text)) if ratio.good is not None else total
    return f"{_operand(total)}\n-\n(\n{good}\nor\n{none}\n)", total


def _counter(query: str) -> str:
    """Return the rate of a counter with its births; native histograms have none, and no fraction when idle (NaN)."""
    return f"({query}) >= 0" if _HISTOGRAM.search(query) else with_births(query)


def _gauge(query: str, window: str) -> str:
    """Return the mean of a gauge over the window, where its query has no window of its own."""
    return query if WINDOW in query else f"sum_over_time(({query})[{_sampled(window)}]) / {SAMPLES}"


def _time(bad: str, seen: str, window: str) -> tuple[str, str]:
    """Return the bad and the seen part of the window, added over the series of the query."""
    if WINDOW in seen:
        return f"sum({bad})", f"count({seen})"
    span = _sampled(window)
    return (
        f"sum(sum_over_time(({bad})[{span}])) / {SAMPLES}",
        f"sum(count_over_time(({seen})[{span}])) / {SAMPLES}",
    )


def _timeslices(slices: Timeslices, base: str, factor: float) -> tuple[str, str]:
    """Return bad and seen slices as parts of the window.

    Up to the base window the slices are those of the clock, because steps of a subquery are aligned to it; longer ones
    slide, looked at in each evaluation.
    """
    bad, total = _rates(slices.of, slices.length, factor)
    share = f"({bad})\n/\n(({total}) > 0)"
    worth = share if slices.target is None else f"({share}) > bool {decimal_text(1 - slices.target)}"
    if slices.seconds > parse_duration(base):
        return worth, f"0 * ({share}) + 1"
    span = f"[{base}:{slices.length}]"
    count = number(parse_duration(base) / slices.seconds)
    return f"sum_over_time((\n{worth}\n){span}) / {count}", f"count_over_time((\n{share}\n){span}) / {count}"


def _spend(spend: Spend, slo: Slo, base: str, factor: float) -> tuple[str, str]:
    """Return what goes, and what would have to go for the whole of it to be one budget."""
    values = {WINDOW: base, SECONDS: number(parse_duration(base) / factor)}
    query = bare(spend.query.text)
    rate = spend.allowed / Decimal(repr(parse_duration(slo.period))) / slo.budget
    total = decimal_text(rate.normalize(_PRECISE))
    return fill(with_births(query), values), fill(f"0 * {_operand(query)} + {total}", values)


def excluded(slo: Slo, base: str) -> str:
    """Return samples of the last base window in which something was excluded: rates still hold what happened then."""
    whole = "\nor on ()\n".join(f"({bare(one.expr)})" for one in slo.exclusions)
    return f"count_over_time((\n{whole}\n)[{_sampled(base)}])"


def _sampled(window: str) -> str:
    return f"{window}:{format_duration(parse_duration(window) / SAMPLES)}"


def _operand(query: str) -> str:
    """Return a query so that it can stand beside an operator: a single call as it is, all else in parentheses."""
    return query if is_call(query) else f"({query})"
