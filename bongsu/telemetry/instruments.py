"""prometheus_client's instruments with the guard before every new series and an exemplar on every observation."""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from bongsu.core import conventions as names
from bongsu.telemetry import traces
from bongsu.telemetry.guard import MAX_SERIES, Guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from bongsu.core.metric import Metric

EXEMPLAR_SECONDS = 1.0
Made = TypeVar("Made", bound=MetricWrapperBase)


class _Guarded(MetricWrapperBase):
    """`labels` asks the guard about values it has not seen; a child that exists costs one look-up and no lock."""

    guard: Guard
    dropped: Callable[[], None]

    def labels(self, *values: Any, **named: Any) -> Self:
        known = self._metrics.get(values) if values else None  # texts, as nearly everybody gives them
        if known is not None:
            return cast("Self", known)
        given = values or tuple(named[name] for name in self._labelnames)
        wanted = tuple(str(value) for value in given)
        known = self._metrics.get(wanted)
        if known is not None:
            return cast("Self", known)
        if len(wanted) != len(self._labelnames):
            return super().labels(*wanted)  # which says what is wrong
        with self.guard.lock:  # no other thread may take the last room in between
            wanted, full = self.guard.admit(wanted, self._metrics)
            child = super().labels(*wanted)
        if full:
            self.dropped()
        return child


class GuardedCounter(_Guarded, Counter):
    """A counter behind the guard."""


class GuardedGauge(_Guarded, Gauge):
    """A gauge behind the guard."""


class GuardedHistogram(_Guarded, Histogram):
    """A histogram behind the guard, whose observations name the trace they were made in."""

    def _metric_init(self) -> None:
        super()._metric_init()
        self._named_at = [-math.inf] * len(self._upper_bounds)

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        """Count `amount`; the exemplar is the current span when it is going to be exported.

        Each bucket takes one exemplar in EXEMPLAR_SECONDS: a scrape reads the last one only, and naming costs.
        """
        if exemplar is None:
            bucket, now = bisect_left(self._upper_bounds, amount), time.monotonic()
            if bucket < len(self._named_at) and now - self._named_at[bucket] >= EXEMPLAR_SECONDS:
                exemplar = traces.exemplar()
                if exemplar:
                    self._named_at[bucket] = now
        super().observe(amount, exemplar)


_KINDS: dict[str, type[_Guarded]] = {"counter": GuardedCounter, "gauge": GuardedGauge, "histogram": GuardedHistogram}


class Maker:
    """Make the instruments of a registry from their conventions."""

    def __init__(self, registry: CollectorRegistry, most: int = MAX_SERIES) -> None:
        self.registry, self._most = registry, most
        self._dropped: Any = None
        self._dropped = self.make(names.SERIES_DROPPED)

    def make(self, metric: Metric) -> Any:
        """Return the instrument of a metric, its series at 0 where their values are the same in every system."""
        buckets: dict[str, Any] = {"buckets": metric.buckets} if metric.kind == "histogram" else {}
        made = _KINDS[metric.kind](metric.name, metric.help, metric.label_names, registry=self.registry, **buckets)
        made.guard = Guard(metric, self._most)
        made.dropped = lambda: self._dropped.labels(metric.name).inc()
        if metric.labels and not metric.of_the_system:
            start_at_zero(metric, made)
        return made


def start_at_zero(metric: Metric, made: Any) -> None:
    """Create the series of a metric whose label sets are closed: the first increment of a new one is not seen."""
    for values in metric.combinations():
        made.labels(*values)
