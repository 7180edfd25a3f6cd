"""GET /v1/runs/{run_id}/events: a run's life as server-sent events, resumable by Last-Event-ID."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Header
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of the routes
from starlette.responses import Response, StreamingResponse

from bongsu.telemetry import metrics as m
from research_assistant import tenant_runs
from research_assistant.api import streams
from research_assistant.api.forms import PathId, iso, not_found, uuid_of
from research_assistant.api.openapi import described
from research_assistant.api.problems import problem
from research_assistant.api.schema import AT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from starlette.types import Receive, Scope, Send

    from research_assistant.api.service import Service

EVENTS = [
    *["queued", "claimed", "started", "finished", "retried", "released", "replayed", "done", "failed", "cancelled"]
]
EXAMPLE = f'id: 41\nevent: started\ndata: {{"node": "planner", "task": "0f3c", "at": "{AT}"}}\n\n'
EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "event": {"enum": EVENTS},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
STREAM = {"text/event-stream": {"schema": EVENT, "example": EXAMPLE}}
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""NGINX must hand each event on as it comes."""
HEARTBEAT = b": still here\n\n"


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the route of the stream."""

    @app.get(
        "/v1/runs/{run_id}/events",
        tags=["runs"],
        **described(
            HTTPStatus.OK,
            None,
            "Events queued, claimed, started, finished, retried, released, replayed, done, failed, cancelled. The id "
            "is that of the ledger's row; `node` is set for started and finished. Ends after the last one.",
            problems=(404,),
            content=STREAM,
            extra={"responses": {"204": {"description": "The run has ended and you have every event of it."}}},
        ),
    )
    async def follow(
        request: Request,
        run_id: PathId,
        last_event_id: Annotated[
            str | None, Header(pattern=r"^[0-9]{1,18}$", description="The id of the last event you have.")
        ] = None,
    ) -> Response:
        """Follow a run; what came after Last-Event-ID is sent first, and 204 says that nothing more will come."""
        caller = await service.enter(request, "read")
        after = int(last_event_id or 0)
        run = await tenant_runs.get(service.pool, caller.tenant, uuid_of(run_id, "run"))
        if run is None:
            raise not_found("run")
        if run.final and not await streams.rows(service.pool, {run.id: after}, settled=0):
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return Stream(service.streams, caller.tenant, run.id, after)


class Stream(StreamingResponse):
    """The stream of one run to one client; it holds its place from its first to its last byte, however it ends."""

    def __init__(self, hub: streams.Streams, tenant: str, run_id: UUID, after: int) -> None:
        super().__init__((), HTTPStatus.OK, HEADERS, "text/event-stream")
        self._hub, self._listens = hub, (tenant, run_id, after)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream, or 503 when there are too many."""
        try:
            with self._hub.listener(*self._listens) as listener:
                self.body_iterator = _written(self._hub, listener)
                await super().__call__(scope, receive, send)
        except streams.TooManyStreams:
            m.shed.labels("busy", "none").inc()
            detail = "Too many streams at once: close some, or ask for the run itself."
            busy = problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "5"})
            await busy(scope, receive, send)


def frame(event: streams.Event) -> bytes:
    """Return one event on the wire."""
    data: dict[str, Any] = {"node": event.node, "task": event.task, "at": iso(event.at)}
    return f"id: {event.id}\nevent: {event.event}\ndata: {json.dumps(data)}\n\n".encode()


async def _written(hub: streams.Streams, listener: streams.Listener) -> AsyncIterator[bytes]:
    yield HEARTBEAT  # headers and a first byte at once: proxies and browsers then show the stream as open
    async for event in hub.events(listener):
        yield HEARTBEAT if event is None else frame(event)
