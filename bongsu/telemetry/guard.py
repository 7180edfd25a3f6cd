"""The cardinality guard: a metric that could grow without end stops growing, and says so.

At most `most` series of each metric in each process (a histogram has one for each bucket and three more). Beyond it,
values of labels without a closed set become `other`. Values are redacted before they become a series.
"""

from __future__ import annotations

import math
from threading import Lock
from typing import TYPE_CHECKING, Any

from bongsu.telemetry.redact import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bongsu.core.metric import Metric

OTHER = "other"
MAX_SERIES = 3_000
MAX_VALUE_CHARS, MAX_READ_CHARS = 128, 4_096
_COUNTER_SERIES, _HISTOGRAM_SERIES = 2, 4  # with `_created`; a histogram also has +Inf, sum and count


class Guard:
    """Decide under which label values an observation of one metric is counted."""

    def __init__(self, metric: Metric, most: int = MAX_SERIES, redact: Callable[[str], str] = clean) -> None:
        self._closed = tuple(frozenset(values) for _, values in metric.labels)
        self._redact = redact
        self.lock = Lock()
        each = {"histogram": len(metric.buckets) + _HISTOGRAM_SERIES, "counter": _COUNTER_SERIES}.get(metric.kind, 1)
        # Room is kept for `other`: once for each combination of the labels that have closed sets.
        reserved = math.prod(len(values) + 1 for values in self._closed if values)
        self._room = max(most // each - reserved, 0)

    def admit(self, values: tuple[str, ...], known: Mapping[Any, Any]) -> tuple[tuple[str, ...], bool]:
        """Return the values to count under, and whether they are others than asked for because there is no room."""
        cleaned = tuple(
            value if value in closed else self._redact(value[:MAX_READ_CHARS])[:MAX_VALUE_CHARS]
            for value, closed in zip(values, self._closed, strict=True)
        )
        if cleaned in known or len(known) < self._room:
            return cleaned, False
        closed_or_other = (
            value if value in closed else OTHER for value, closed in zip(cleaned, self._closed, strict=True)
        )
        return tuple(closed_or_other), True
