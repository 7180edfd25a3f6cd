"""The metrics of `core.conventions` as live Prometheus instruments of this process.

One process, one registry, no multiprocess mode: it keeps dead workers' gauges and drops exemplars
(measured, research/agents.md 3e); scale by processes, each with its own /metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.process_collector import ProcessCollector

from bongsu.core import conventions as names
from bongsu.telemetry.instruments import Maker, start_at_zero

if TYPE_CHECKING:
    from threading import Thread
    from wsgiref.simple_server import WSGIServer

registry = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=registry)
maker = Maker(registry)
_create = maker.make


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
nodes_running: Gauge = _create(names.NODES_RUNNING)
queue_wait: Histogram = _create(names.QUEUE_WAIT)
tool_calls: Counter = _create(names.TOOL_CALLS)
tool_duration: Histogram = _create(names.TOOL_DURATION)
interrupts: Counter = _create(names.INTERRUPTS)
agent_tokens: Counter = _create(names.AGENT_TOKENS)
context_tokens: Histogram = _create(names.CONTEXT_TOKENS)
questions: Counter = _create(names.QUESTIONS)
tasks: Counter = _create(names.TASKS)
feedback: Counter = _create(names.FEEDBACK)
database_duration: Histogram = _create(names.DATABASE_DURATION)

_OF_THE_SYSTEM = {
    names.RUN_DURATION: run_duration,
    names.NODE_DURATION: node_duration,
    names.LLM_CALLS: llm_calls,
    names.LLM_DURATION: llm_duration,
    names.LLM_TOKENS: llm_tokens,
    names.SEARCH_CALLS: search_calls,
    names.SEARCH_DURATION: search_duration,
    names.COST: cost,
    names.NODES_RUNNING: nodes_running,
    names.QUEUE_WAIT: queue_wait,
    names.TOOL_CALLS: tool_calls,
    names.TOOL_DURATION: tool_duration,
    names.AGENT_TOKENS: agent_tokens,
    names.QUESTIONS: questions,
    names.TASKS: tasks,
}


def start_series() -> None:
    """Create at 0 the series of the research assistant: its processes call this, those of another system do not."""
    for metric, made in _OF_THE_SYSTEM.items():
        start_at_zero(metric, made)


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
