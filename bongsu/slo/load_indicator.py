"""Read what an SLO counts: OpenSLO's SLI, inline or as a document, and what objective and method make of it."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from bongsu.core.durations import parse_duration
from bongsu.core.promql import WINDOW, Expression
from bongsu.slo.documents import Library, described
from bongsu.slo.model import Ratio, Raw, Spend, Threshold, Timeslices

if TYPE_CHECKING:
    from bongsu.core.diagnostics import Span
    from bongsu.core.yaml import Reader
    from bongsu.slo.model import Indicator

METHODS = ("Occurrences", "Timeslices", "RatioTimeslices")
_TYPE = "Prometheus"
_SHORTEST_SLICE, _LONGEST_SLICE = 60.0, 3600.0
Measure = Ratio | Raw | Expression
"""An SLI as it stands alone: a threshold's query means nothing before the objective says what is compared."""


def read_source(spec: Reader, _: Library, name: str) -> str:
    """Return the name of a DataSource; where Prometheus answers is known to whoever runs it, not to its rules."""
    described(spec)
    spec.choice("type", [_TYPE])
    spec.get("connectionDetails", required=False)
    return name


def read_measure(spec: Reader, library: Library, _: str) -> Measure:
    """Return the SLI of a spec."""
    described(spec)
    if spec.has("thresholdMetric") == spec.has("ratioMetric"):
        what = "an indicator needs either `ratioMetric` or `thresholdMetric`"
        spec.fail("spec/value", spec.node.span, what, "count events with ratioMetric, compare values with the other")
    if spec.has("thresholdMetric"):
        spec.get("ratioMetric", required=False)
        return _query(spec, "thresholdMetric", library, windowed=False)
    return _ratio(spec.mapping("ratioMetric", required=spec.has("ratioMetric")), library)


def _ratio(metric: Reader, library: Library) -> Measure:
    counter = metric.flag("counter", default=True)
    if metric.has("raw"):
        for key in ("good", "bad", "total"):
            if metric.has(key):
                metric.get(key)
                what = f"`raw` is a ratio already and cannot stand beside `{key}`"
                metric.fail("spec/value", metric.span(key), what, "keep one of the two")
        success = metric.choice("rawType", ["success", "failure"]) != "failure"
        found: Measure = Raw(_query(metric, "raw", library, windowed=False), success)
    else:
        if metric.has("rawType"):
            metric.get("rawType")
            what = "`rawType` belongs to `raw`"
            metric.fail("spec/value", metric.span("rawType"), what, "remove it: good or bad says the same")
        if metric.has("good") == metric.has("bad") and isinstance(metric.node.value, dict) and metric.node.value:
            metric.fail(
                "spec/value",
                metric.node.span,
                "a ratio needs either `good` or `bad` beside `total`",
                "count what the promise forbids under `bad`",
            )
        good, bad = (
            _query(metric, key, library, windowed=counter) if metric.has(key) else None for key in ("good", "bad")
        )
        empty = not metric.node.value
        total = Expression("", metric.node.span) if empty else _query(metric, "total", library, windowed=counter)
        found = Ratio(total, bad, good, counter)
    metric.done()
    return found


def _query(metric: Reader, key: str, library: Library, *, windowed: bool) -> Expression:
    outer = metric.mapping(key)
    source = outer.mapping("metricSource", required=outer is not None and metric.has(key))
    if source.has("metricSourceRef"):
        library.find("DataSource", library.sources, source, "metricSourceRef")
        source.choice("type", [_TYPE], _TYPE)
    elif source.node.value:
        source.choice("type", [_TYPE])
    spec = source.mapping("spec", required=bool(source.node.value))
    text = spec.text("query").strip() if spec.node.value else ""
    if windowed and text and WINDOW not in text:
        spec.fail(
            "spec/value",
            spec.span("query"),
            f"the query has no {WINDOW} placeholder",
            f"write rate(metric[{WINDOW}])",
            "one query is compiled for every window",
        )
    for reader in (spec, source, outer):
        reader.done()
    return Expression(text, spec.span("query"))


def read_objective(
    entry: Reader, method: str, measure: Measure | None, *, spend: bool
) -> tuple[float, Span, Indicator]:
    """Return the objective as a share, its place, and the indicator; NaN when it is no number (reported here)."""
    entry.text("displayName", "")
    for key in ("indicator", "indicatorRef", "compositeWeight"):
        if entry.has(key):
            entry.get(key)
            what = f"composite objectives ({key}) cannot be compiled"
            why = "an alert on a weighted mean cannot say which part is broken"
            entry.fail("spec/value", entry.span(key), what, "write one SLO for each part", why)
    share, span = _target(entry)
    indicator = _compared(entry, measure, spend=spend)
    if method in METHODS[1:]:
        indicator = _sliced(entry, method, indicator)
    for key in ("timeSliceTarget", "timeSliceWindow"):
        if entry.has(key) and (method == METHODS[0] or (method == METHODS[2] and key == "timeSliceTarget")):
            entry.get(key)
            entry.fail("spec/value", entry.span(key), f"{key} means nothing to {method}", "remove it")
    entry.done()
    return share, span, indicator


def _target(entry: Reader) -> tuple[float, Span]:
    if entry.has("target") and entry.has("targetPercent"):
        entry.get("targetPercent")
        what = "`target` and `targetPercent` say the same thing twice"
        entry.fail("spec/value", entry.span("targetPercent"), what, "keep one of the two")
    key = "targetPercent" if entry.has("targetPercent") and not entry.has("target") else "target"
    before = len(entry.problems)
    value = entry.number(key)
    if len(entry.problems) > before and not value:
        return math.nan, entry.span(key)
    return float(Decimal(repr(value)) / (100 if key == "targetPercent" else 1)), entry.span(key)


def _compared(entry: Reader, measure: Measure | None, *, spend: bool) -> Indicator:
    """Return the indicator of an objective; `op` and `value` belong to a threshold and to nothing else."""
    if not isinstance(measure, Expression):
        for key in ("op", "value"):
            if entry.get(key, required=False) and measure is not None:
                what = f"`{key}` belongs to thresholdMetric, and the indicator is a ratio"
                entry.fail("spec/value", entry.span(key), what, "remove it", "it would be ignored")
        if spend:
            what = "what is spent is a thresholdMetric: the query its rate, `value` what may go in one window"
            entry.fail("spec/value", entry.node.span, what, "write thresholdMetric, op: lte and value")
        return measure or Ratio(Expression("", entry.node.span))
    op = entry.choice("op", ["lte"] if spend else ["lt", "lte", "gt", "gte"])
    limit = Decimal(repr(entry.number("value")))
    if not spend:
        return Threshold(measure, op or "lte", limit)
    if entry.has("value") and limit <= 0:
        entry.fail("spec/value", entry.span("value"), "nothing may be spent", "write what one window may cost")
    if measure.text and WINDOW not in measure.text:
        what = f"the query has no {WINDOW} placeholder"
        entry.fail("spec/value", measure.span, what, f"write sum(rate(metric[{WINDOW}]))", "spending is a rate")
    return Spend(measure, limit)


def _sliced(entry: Reader, method: str, indicator: Indicator) -> Indicator:
    if isinstance(indicator, Spend | Timeslices):
        what = f"spending has no slices: {method} cannot be compiled"
        entry.fail("spec/value", entry.node.span, what, "write budgetingMethod: Occurrences")
        return indicator
    target = None
    if method == METHODS[1]:
        target = Decimal(repr(entry.number("timeSliceTarget")))
        if entry.has("timeSliceTarget") and not 0 < target <= 1:
            what = f"timeSliceTarget must be above 0 and at most 1, not {target}"
            entry.fail("spec/value", entry.span("timeSliceTarget"), what, "write a share such as 0.95")
    length = _length(entry)
    return Timeslices(indicator, length, target) if length else indicator


def _length(entry: Reader) -> str:
    """Return the length of a slice; a plain number means minutes."""
    node = entry.get("timeSliceWindow")
    if node is None:
        return ""
    text = f"{node.value}m" if isinstance(node.value, int) and not isinstance(node.value, bool) else str(node.value)
    try:
        seconds = parse_duration(text)
    except ValueError:
        seconds = 0.0
    if not _SHORTEST_SLICE <= seconds <= _LONGEST_SLICE:
        what = f"a slice lasts from 1m to 1h, not {text}"
        why = "shorter ones hold too few scrapes, longer ones hide what a burn rate must see"
        entry.fail("spec/value", node.span, what, "write a length such as 1m, 5m or 1h", why)
        return ""
    return text
