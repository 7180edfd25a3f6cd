"""Metrics, traces and logs: the only part of the framework, with core, that a workload may import."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

    Graph = TypeVar("Graph", bound=Runnable)  # type: ignore[type-arg]


def instrument(
    graph: Graph,
    *,
    name: str = "",
    metrics_port: int | None = None,
    traces: str = "",
    trace_ratio: float = 1.0,
    semconv: str = "v1.41",
) -> Graph:
    """Return a compiled LangGraph graph whose runs, nodes, tools and model calls are measured and traced.

    `name` (default: the graph's own) is what its runs are counted as. `metrics_port` serves /metrics on 127.0.0.1;
    without it, serve `bongsu.telemetry.metrics.registry`. `traces` is `otlp`, `otlp:URL`, `file:PATH`, or nothing: then
    spans go to the OpenTelemetry provider of the application, if it has one. Raises UsageError and OSError.
    """
    from bongsu.telemetry import graphs  # noqa: PLC0415 - a workload without LangChain need not import it

    return graphs.instrument(graph, name, metrics_port, traces=traces, trace_ratio=trace_ratio, semconv=semconv)
