"""The supervisor's own /metrics: restarts of processes, when each alert was last proved and each drill passed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bongsu.core.conventions import DRILL_RPO, DRILL_RTO, DRILL_TIMESTAMP, PROCESS_RESTARTS, PROOF_TIMESTAMP
from bongsu.core.errors import StateError
from bongsu.stack.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Proved:
    """What the evidence says: for each alert when it was last proved, for each drill when it was last passed.

    Unix times, 0 for never; `rpo` and `rto` are the seconds of the drills that were passed.
    """

    alerts: Mapping[str, float] = field(default_factory=dict)
    drills: Mapping[str, float] = field(default_factory=dict)
    rpo: Mapping[str, float] = field(default_factory=dict)
    rto: Mapping[str, float] = field(default_factory=dict)


class _Evidence(Collector):
    def __init__(self, proved: Callable[[], Proved]) -> None:
        self._proved = proved

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one sample per alert and per drill, read anew at each scrape."""
        proved = self._proved()
        for metric, values in (
            (PROOF_TIMESTAMP, proved.alerts),
            (DRILL_TIMESTAMP, proved.drills),
            (DRILL_RPO, proved.rpo),
            (DRILL_RTO, proved.rto),
        ):
            family = GaugeMetricFamily(metric.name, metric.help, labels=metric.label_names)
            for name, value in sorted(values.items()):
                family.add_metric([name], value)
            yield family


class Exporter:
    """Serves the metrics of one supervisor; a registry of its own, so that two stacks can live in one process."""

    def __init__(self, names: Iterable[str], proved: Callable[[], Proved]) -> None:
        self._registry = CollectorRegistry()
        self._restarts = Counter(
            PROCESS_RESTARTS.name, PROCESS_RESTARTS.help, PROCESS_RESTARTS.label_names, registry=self._registry
        )
        for name in names:
            self._restarts.labels(name)
        self._registry.register(_Evidence(proved))
        self._close: Callable[[], None] = lambda: None

    def restarted(self, name: str) -> None:
        """Count one restart of a process."""
        self._restarts.labels(name).inc()

    def serve(self, port: int) -> None:
        """Answer on 127.0.0.1:`port` from a thread; raise StateError when the port is taken."""
        try:
            server, thread = start_http_server(port, addr=HOST, registry=self._registry)
        except OSError as error:
            raise StateError(f"cannot listen: {error.strerror}", where=f"{HOST}:{port}") from error

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        self._close = close

    def close(self) -> None:
        """Stop answering."""
        self._close()
        self._close = lambda: None
