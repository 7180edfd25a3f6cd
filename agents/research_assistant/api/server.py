"""The API process: bind first, open the pool, serve until SIGTERM, say so to newcomers, finish the rest, leave."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import TYPE_CHECKING

import uvicorn

from bongsu.core.errors import StateError
from research_assistant import db
from research_assistant.api.app import build_app
from research_assistant.api.drain import Draining, DrainingServer
from research_assistant.api.gauges import Gauges
from research_assistant.api.service import open_service

if TYPE_CHECKING:
    from research_assistant.api.service import Service
    from research_assistant.settings import Settings

HOST = "127.0.0.1"
POOL_SIZE = 8
CHECKOUT_SECONDS = 3.0
"""A caller hears in three seconds that the database is away; a worker, whose run would be lost, waits longer."""
BACKLOG = 1024
GRACE_SECONDS = 10
KEEP_ALIVE_SECONDS = 75
"""A connection may rest so long: longer than balancers let theirs (nginx and AWS: 60 s), so that we close none that a
request is on its way on. With uvicorn's 5 s that met 15 of 300 requests sent after a rest of 5 s, with 75 s none."""


def main(settings: Settings, port: int) -> None:
    """Serve on 127.0.0.1:`port` until SIGTERM or SIGINT.

    Raises StateError for a taken port, UnreachableError for a database that does not answer at the start.
    """
    sock = _bind(port)
    # uvicorn raises a caught signal again after its shutdown: without a handler it would end us before the pool closes.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    config = make_config()
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(settings, config, sock))


def make_config() -> uvicorn.Config:
    """Return how uvicorn serves us; the application is added once its pool is open."""
    return uvicorn.Config(
        "",
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


async def _serve(settings: Settings, config: uvicorn.Config, sock: socket.socket) -> None:
    async with await db.open_pool(settings, max_size=POOL_SIZE) as pool:
        pool.timeout = CHECKOUT_SECONDS
        service = open_service(settings, pool)
        config.app = draining = Draining(build_app(service))
        background = [
            asyncio.create_task(Gauges(settings, pool).keep_reading()),
            asyncio.create_task(service.streams.keep_reading()),
            asyncio.create_task(service.roller.keep_rolling()),
        ]
        try:
            await _Server(config, draining, service).serve(sockets=[sock])
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)


class _Server(DrainingServer):
    """End the streams when the process stops listening: they would hold it up until they are cut off."""

    def __init__(self, config: uvicorn.Config, draining: Draining, service: Service) -> None:
        super().__init__(config, draining, service.settings.api_drain_seconds)
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, let requests finish, let streams end."""
        self._service.streams.close()
        await super().shutdown(sockets)


def _bind(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise StateError(
            f"cannot listen: {error.strerror}",
            where=f"{HOST}:{port}",
            next="stop what uses the port or choose another --port",
        ) from error
    sock.setblocking(False)
    return sock
