"""Count and time every request, bound it in time, and catch what nobody else did."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind

from bongsu.telemetry import context, traces
from bongsu.telemetry import metrics as m
from research_assistant.api.problems import problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

DEADLINE_SECONDS = 15.0
MAX_IN_FLIGHT = 256
"""More at once would only wait for the same few database connections: they are told to come back instead."""
COUNTED_PREFIX = "/v1/"
"""What users ask of us. Scrapes and probes (/metrics, /healthz, /readyz) must not dilute the availability."""
UNASKED = ("/metrics", "/healthz", "/readyz", "/static/")
"""What nobody asked a question by: it has no trace and no log line."""
STREAM = b"text/event-stream"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class Observed:
    """Outermost middleware: an event of kind `api` and a duration for each request, exactly once."""

    app: ASGIApp
    deadline: float = DEADLINE_SECONDS
    max_in_flight: int = MAX_IN_FLIGHT
    in_flight: int = field(default=0, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer and count what it answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["path"].startswith(UNASKED):
            await self._counted(scope, receive, send)
            return
        with context.bound(), traces.span(scope["method"], kind=SpanKind.SERVER, parent=_caller(scope)) as span:
            await self._counted(scope, receive, send)
            span.update_name(f"{_method(scope)} {_route(scope)}")
            span.set_attribute("http.route", _route(scope))

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        self.in_flight += 1
        reply = _Reply(send, self._let_go)
        try:
            await self._answer(scope, receive, reply)
        finally:
            self._let_go(reply)
            _count(scope, reply, (reply.streams_since or time.perf_counter()) - started)

    def _let_go(self, reply: _Reply) -> None:
        """Take a request that ended, or became a stream, off those in flight; once."""
        if not reply.let_go:
            reply.let_go = True
            self.in_flight -= 1

    async def _answer(self, scope: Scope, receive: Receive, reply: _Reply) -> None:
        if self.in_flight > self.max_in_flight and scope["path"].startswith(COUNTED_PREFIX):
            m.shed.labels("busy", "none").inc()
            busy = problem(HTTPStatus.SERVICE_UNAVAILABLE, "Too many requests at once.", headers={"Retry-After": "1"})
            await busy(scope, receive, reply)
            return
        try:
            async with asyncio.timeout(self.deadline) as bound:
                reply.bound = bound
                await self.app(scope, receive, reply)
        except Exception as error:  # the last line of defence: whatever a handler raises must be counted and answered
            if isinstance(error, TimeoutError) and bound.expired():
                reply.failed = HTTPStatus.GATEWAY_TIMEOUT
                detail = f"No answer within {self.deadline:g} s."
            else:
                log.exception("unhandled error on %s", _route(scope), extra={"kind": "unhandled"})
                m.errors.labels("unhandled").inc()
                reply.failed = HTTPStatus.INTERNAL_SERVER_ERROR
                detail = "The server failed on this request. It has been logged and counted."
            if not reply.status:
                await problem(reply.failed, detail)(scope, receive, reply)


class _Reply:
    """Pass messages to the client and remember the status; `failed` overrules one that was already on its way.

    A stream of events counts as answered when it begins: from then on it has no deadline and is not in flight.
    """

    def __init__(self, send: Send, on_stream: Callable[[_Reply], None]) -> None:
        self._send, self._on_stream = send, on_stream
        self.status = 0
        self.failed = 0
        self.retry_after = False
        self.streams_since = 0.0
        self.let_go = False
        self.bound: asyncio.Timeout | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = {name.lower(): value for name, value in message.get("headers", ())}
            self.retry_after = b"retry-after" in headers
            if headers.get(b"content-type", b"").startswith(STREAM):
                self.streams_since = time.perf_counter()
                self._on_stream(self)
                if self.bound is not None:
                    self.bound.reschedule(None)
        await self._send(message)


def outcome(status: int, *, retry_after: bool) -> str:
    """Return the outcome that a status means for the availability of the API."""
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after):
        return "shed"
    return "bad" if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == 0 else "good"


def _count(scope: Scope, reply: _Reply, seconds: float) -> None:
    status = reply.failed or reply.status
    m.http_duration.labels(_route(scope), _method(scope), str(status)).observe(seconds)
    traces.current().set_attribute("http.response.status_code", status)
    found = outcome(status, retry_after=reply.retry_after)
    if scope["path"].startswith(COUNTED_PREFIX):
        m.events.labels(kind="api", outcome=found).inc()
    if not scope["path"].startswith(UNASKED):
        told = {"method": _method(scope), "route": _route(scope), "status": status, "seconds": round(seconds, 4)}
        log.log(logging.WARNING if found == "bad" else logging.INFO, "answered", extra=told)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else "other"


def _caller(scope: Scope) -> str | None:
    """Return the `traceparent` that the caller sent."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)


def _route(scope: Scope) -> str:
    """Return the template of the route, so that ids in paths do not become series."""
    return str(getattr(scope.get("route"), "path", "unmatched"))
