"""The supervisor's own /metrics: restarts of processes, and when each alert was last proved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bongsu.core.conventions import PROCESS_RESTARTS, PROOF_TIMESTAMP
from bongsu.core.errors import StateError
from bongsu.stack.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class _Proofs(Collector):
    def __init__(self, times: Callable[[], Mapping[str, float]]) -> None:
        self._times = times

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one sample per alert, read anew at each scrape."""
        family = GaugeMetricFamily(PROOF_TIMESTAMP.name, PROOF_TIMESTAMP.help, labels=PROOF_TIMESTAMP.label_names)
        for alert, at in sorted(self._times().items()):
            family.add_metric([alert], at)
        yield family


class Exporter:
    """Serves the metrics of one supervisor; a registry of its own, so that two stacks can live in one process."""

    def __init__(self, names: Iterable[str], proof_times: Callable[[], Mapping[str, float]]) -> None:
        self._registry = CollectorRegistry()
        self._restarts = Counter(
            PROCESS_RESTARTS.name, PROCESS_RESTARTS.help, PROCESS_RESTARTS.label_names, registry=self._registry
        )
        for name in names:
            self._restarts.labels(name)
        self._registry.register(_Proofs(proof_times))
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
