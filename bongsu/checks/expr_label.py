"""A matcher on a label value that is never set selects nothing: the alert is silent for ever."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from bongsu.checks.expressions import own_metrics, understood
from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bongsu.checks.model import Catalogue
    from bongsu.core.conventions import Metric
    from bongsu.core.promql import Matcher

CODE = "expr/label"
SEVERITY = Severity.ERROR
_LIST = re.compile(r"[a-z0-9_]+(?:\|[a-z0-9_]+)*")
_TARGET = ("job", "instance", "__name__", "le")
_WHY = "the matcher would select nothing, without an error"


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each matcher on one of our metrics whose label, or whose value in a closed set, does not exist."""
    metrics = own_metrics()
    for expression in catalogue.expressions():
        for selector in understood(expression.text)[1] if expression.text else ():
            for matcher in selector.matchers if selector.name in metrics else ():
                found = _wrong(matcher, metrics[selector.name], catalogue.manifest.labels)
                if found:
                    place = catalogue.place(expression, matcher.offset, len(matcher.label))
                    yield Problem(CODE, SEVERITY, place, found[0], _WHY, found[1])


def _wrong(matcher: Matcher, metric: Metric, own: Mapping[str, tuple[str, ...]]) -> tuple[str, str] | None:
    if matcher.label in _TARGET:
        return None
    labels = dict(metric.labels)
    if matcher.label not in labels:
        return f"{metric.name} has no label {matcher.label!r}", _nearest(matcher.label, labels)
    allowed = own.get(matcher.label, labels[matcher.label])
    for value in _values(matcher) if allowed else ():
        if value not in allowed:
            return f"{metric.name} never has {matcher.label}={value!r}", _nearest(value, allowed)
    return None


def _values(matcher: Matcher) -> tuple[str, ...]:
    """Return the values a matcher names; a regular expression only when it is a plain list such as `good|bad`."""
    if matcher.op in ("=", "!="):
        return (matcher.value,) if matcher.value else ()
    return tuple(matcher.value.split("|")) if _LIST.fullmatch(matcher.value) else ()


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), 1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
