"""A bound that is no bucket of a histogram selects nothing: every event would look slow, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.checks.expressions import own_metrics, understood
from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "expr/bucket"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each `le="..."` on one of our histograms that none of its buckets has, spelled as they are."""
    metrics = own_metrics()
    for expression in catalogue.expressions():
        for selector in understood(expression.text)[1] if expression.text else ():
            metric = metrics.get(selector.name)
            if metric is None or not metric.buckets:
                continue
            bounds = [*(str(bound) for bound in metric.buckets), "+Inf"]
            for matcher in selector.matchers:
                if matcher.label == "le" and matcher.op in ("=", "!=") and matcher.value not in bounds:
                    yield Problem(
                        CODE,
                        SEVERITY,
                        catalogue.place(expression, matcher.offset, len(matcher.label)),
                        f"{metric.name} has no bucket le={matcher.value!r}",
                        "the selector would find nothing, without an error",
                        _hint(matcher.value, bounds),
                    )


def _hint(value: str, bounds: list[str]) -> str:
    try:
        wanted = float(value)
    except ValueError:
        return f"buckets: {', '.join(bounds)}"
    near = min(bounds, key=lambda bound: abs(float(bound) - wanted))
    return f"the nearest is {near}; buckets: {', '.join(bounds)}"
