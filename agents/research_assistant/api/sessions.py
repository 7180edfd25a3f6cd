"""/v1/sessions: conversations, whose questions see the ones before them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of the routes
from starlette.responses import Response  # noqa: TC002 - FastAPI reads the annotations of the routes

from research_assistant import sessions, tenant_runs
from research_assistant.api import schema
from research_assistant.api.forms import Cursor, Limit, PathId, as_json, iso, not_found, place_of, uuid_of
from research_assistant.api.openapi import described
from research_assistant.api.runs import page_json

if TYPE_CHECKING:
    from fastapi import FastAPI

    from research_assistant.api.service import Service


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the routes of sessions."""

    @app.post(
        "/v1/sessions",
        tags=["sessions"],
        **described(HTTPStatus.CREATED, schema.Session, "A session without questions; give its id with each one."),
    )
    async def create(request: Request) -> Response:
        """Begin a session."""
        caller = await service.enter(request, "ask")
        made = await sessions.create(service.pool, caller.tenant, caller.name)
        return as_json(_session_json(made), HTTPStatus.CREATED, {"Location": f"/v1/sessions/{made.id}"})

    @app.get(
        "/v1/sessions/{session_id}",
        tags=["sessions"],
        **described(HTTPStatus.OK, schema.SessionRuns, "The session with a page of its runs.", problems=(404,)),
    )
    async def show(request: Request, session_id: PathId, limit: Limit = 20, cursor: Cursor = None) -> Response:
        """Show a session of the caller's tenant and its runs, newest first."""
        caller = await service.enter(request, "read")
        after = place_of(cursor)
        found = await sessions.get(service.pool, caller.tenant, uuid_of(session_id, "session"))
        if found is None:
            raise not_found("session")
        of_session = await tenant_runs.page(service.pool, caller.tenant, limit + 1, after, found.id)
        return as_json(_session_json(found) | page_json(of_session, limit))


def _session_json(session: sessions.Session) -> dict[str, Any]:
    return {"id": str(session.id), "started_at": iso(session.started_at), "last_at": iso(session.last_at)}
