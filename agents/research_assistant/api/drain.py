"""Leave without dropping a request: say 503 with Retry-After for a while, then stop listening, then finish and go.

A server that closes its port at SIGTERM refuses the connections of every client that has not yet heard of it. This one
goes on listening for some seconds, in which balancers see /readyz fail and clients are told to come back.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

import uvicorn

from bongsu.telemetry import metrics as m
from research_assistant.api.problems import problem

if TYPE_CHECKING:
    from types import FrameType

    from starlette.types import ASGIApp, Receive, Scope, Send

STILL_ANSWERED = frozenset({"/healthz", "/metrics"})
COUNTED_PREFIX = "/v1/"


@dataclass(slots=True)
class Draining:
    """Middleware: pass requests on until `begin` is called, then refuse new ones; those under way go on."""

    app: ASGIApp
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on one request."""
        if scope["type"] != "http" or not self.begun.is_set() or scope["path"] in STILL_ANSWERED:
            await self.app(scope, receive, send)
            return
        if scope["path"].startswith(COUNTED_PREFIX):
            m.events.labels(kind="api", outcome="shed").inc()
        headers = {"Retry-After": "1", "Connection": "close"}
        leaving = problem(HTTPStatus.SERVICE_UNAVAILABLE, "This process is stopping.", headers=headers)
        await leaving(scope, receive, send)


class DrainingServer(uvicorn.Server):
    """Begin to drain at the first signal and stop listening `seconds` later; a second signal stops it at once."""

    def __init__(self, config: uvicorn.Config, draining: Draining, seconds: float) -> None:
        super().__init__(config)
        self._draining, self._seconds = draining, seconds
        self._loop = asyncio.get_running_loop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal: called between any two instructions of the main thread."""
        if self._draining.begun.is_set() or self._seconds <= 0:
            super().handle_exit(sig, frame)
        else:
            self._loop.call_soon_threadsafe(self._begin, sig)

    def _begin(self, sig: int) -> None:
        self._draining.begun.set()
        self._loop.call_later(self._seconds, super().handle_exit, sig, None)
