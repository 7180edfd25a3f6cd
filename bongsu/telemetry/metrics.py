"""The metrics of `core.conventions` as live Prometheus instruments of this process.

One process, one registry, no multiprocess mode: it keeps dead workers' gauges and drops exemplars
(measured, research/agents.md 3e); scale by processes, each with its own /metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.process_collector import ProcessCollector

from bongsu.core import conventions as names

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Thread
    from wsgiref.simple_server import WSGIServer

registry = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=registry)


def _create(metric: names.Metric) -> Any:
    if metric.kind == "histogram":
        made: Any = Histogram(metric.name, metric.help, metric.label_names, buckets=metric.buckets, registry=registry)
    else:
        kind: Callable[..., Any] = Counter if metric.kind == "counter" else Gauge
        made = kind(metric.name, metric.help, metric.label_names, registry=registry)
    if metric.labels:
        for values in metric.combinations():
            made.labels(*values)
    return made


events: Counter = _create(names.EVENTS)
run_duration: Histogram = _create(names.RUN_DURATION)
errors: Counter = _create(names.ERRORS)
node_duration: Histogram = _create(names.NODE_DURATION)
llm_calls: Counter = _create(names.LLM_CALLS)
llm_duration: Histogram = _create(names.LLM_DURATION)
llm_tokens: Counter = _create(names.LLM_TOKENS)
search_calls: Counter = _create(names.SEARCH_CALLS)
search_duration: Histogram = _create(names.SEARCH_DURATION)
vector_duration: Histogram = _create(names.VECTOR_DURATION)
cost: Counter = _create(names.COST)
fenced_writes: Counter = _create(names.FENCED_WRITES)
runs_resumed: Counter = _create(names.RUNS_RESUMED)
runs_retried: Counter = _create(names.RUNS_RETRIED)
dead_letters: Counter = _create(names.DEAD_LETTERS)
runs_cancelled: Counter = _create(names.RUNS_CANCELLED)
leases_lost: Counter = _create(names.LEASES_LOST)
rows_pruned: Counter = _create(names.ROWS_PRUNED)
http_duration: Histogram = _create(names.HTTP_DURATION)
shed: Counter = _create(names.SHED)


def gauge(metric: names.Metric) -> Gauge:
    """Create a gauge that only some processes export (a gauge nobody sets would report a false 0)."""
    made: Gauge = _create(metric)
    return made


def counter(metric: names.Metric) -> Counter:
    """Create a counter that only some processes export."""
    made: Counter = _create(metric)
    return made


def serve(port: int) -> tuple[WSGIServer, Thread]:
    """Serve /metrics of this process on 127.0.0.1; raise OSError when the port is taken."""
    return start_http_server(port, addr="127.0.0.1", registry=registry)
