"""An expression over a metric that nobody exports is silent for ever."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from bongsu.checks.expressions import EXTERNAL, own_metrics, recorded, understood
from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "expr/metric"
SEVERITY = Severity.ERROR
_WHY = "a query over a series that does not exist returns nothing, and an alert on it never fires"


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each selector of an unknown metric, and each alert whose `metric:` its expression does not use."""
    known = own_metrics().keys() | recorded(catalogue)
    for expression in catalogue.expressions():
        if not expression.text:
            continue
        for selector in understood(expression.text)[1]:
            if selector.name not in known and not EXTERNAL.match(selector.name):
                near = difflib.get_close_matches(selector.name, sorted(known), 1)
                yield Problem(
                    CODE,
                    SEVERITY,
                    catalogue.place(expression, selector.offset, len(selector.name)),
                    f"no metric {selector.name!r} is known" if selector.name else "a selector names no metric",
                    _WHY,
                    f"did you mean {near[0]}?" if near else "declare it in bongsu/core/conventions.py",
                )
    for alert in catalogue.alerts.alerts:
        if alert.metric and alert.metric not in alert.expr.text:
            what = f"{alert.name}: its expression does not use {alert.metric}"
            yield Problem(CODE, SEVERITY, alert.metric_span, what, _WHY, "name the metric the alert watches")
