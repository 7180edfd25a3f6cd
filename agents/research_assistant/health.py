"""The worker's own HTTP port: /metrics for Prometheus and /healthz for whoever may restart it."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from prometheus_client.exposition import MetricsHandler

from bongsu.telemetry import metrics as m

if TYPE_CHECKING:
    from collections.abc import Callable

BEAT_SECONDS = 1.0
STALLED_SECONDS = 15.0


class Pulse:
    """Beat while the event loop turns: a loop that something blocks renews no lease and should be restarted."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()

    def beat(self) -> None:
        """Note that the event loop turns."""
        self._last = self._clock()

    async def keep_beating(self) -> None:
        """Beat once a second until cancelled."""
        while True:
            self.beat()
            await asyncio.sleep(BEAT_SECONDS)

    def healthy(self) -> bool:
        """Tell whether the last beat is recent. A database that is away does not count: no restart brings it back."""
        return self._clock() - self._last < STALLED_SECONDS


def serve(port: int, pulse: Pulse) -> ThreadingHTTPServer:
    """Serve /metrics and /healthz on 127.0.0.1 in a thread until the caller shuts it down. Raises OSError."""
    metrics_handler: type[MetricsHandler] = MetricsHandler.factory(m.registry)

    class Handler(metrics_handler):  # type: ignore[misc, valid-type] # the library makes the class at run time
        def do_GET(self) -> None:  # noqa: N802 - the standard library's name
            if self.path != "/healthz":
                super().do_GET()
                return
            status, body = (
                (HTTPStatus.OK, b"ok\n") if pulse.healthy() else (HTTPStatus.SERVICE_UNAVAILABLE, b"stalled\n")
            )
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
