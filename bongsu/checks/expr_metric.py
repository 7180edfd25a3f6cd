"""An expression over a metric that nobody exports is silent for ever."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from bongsu.checks.expressions import EXTERNAL, own_metrics, recorded, understood
from bongsu.core.diagnostics import Problem, Severity
from bongsu.core.manifest import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

HINT_LIKENESS = 0.75
"""Of two names: below it, most of what they share is the words that every metric is made of."""
CODE = "expr/metric"
SEVERITY = Severity.ERROR
_WHY = "a query over a series that does not exist returns nothing, and an alert on it never fires"


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each selector of an unknown metric, and each alert whose `metric:` its expression does not use."""
    known = own_metrics().keys() | recorded(catalogue) | {seen.name for seen in catalogue.live.values() if seen.exists}
    foreign = catalogue.manifest.metrics
    for expression in catalogue.expressions():
        if not expression.text:
            continue
        for selector in understood(expression.text)[1]:
            name = selector.name
            if not (name in known or EXTERNAL.match(name) or any(one.covers(name) for one in foreign)):
                names = sorted(known | {one.pattern for one in foreign})
                near = difflib.get_close_matches(name, names, 1, HINT_LIKENESS)
                yield Problem(
                    CODE,
                    SEVERITY,
                    catalogue.place(expression, selector.offset, len(name)),
                    f"no metric {name!r} is known" if name else "a selector names no metric",
                    _WHY,
                    f"did you mean {near[0]}?"
                    if near
                    else f"if something exports it, list it under `metrics:` in {FILE}",
                )
    for alert in catalogue.alerts.alerts:
        if alert.metric and alert.metric not in alert.expr.text:
            what = f"{alert.name}: its expression does not use {alert.metric}"
            yield Problem(CODE, SEVERITY, alert.metric_span, what, _WHY, "name the metric the alert watches")
