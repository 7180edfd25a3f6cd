"""/v1/runs: ask, show, list, cancel."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Header
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of the routes
from starlette.responses import Response  # noqa: TC002 - FastAPI reads the annotations of the routes

from research_assistant import runs, sessions, tenant_runs
from research_assistant.api import schema
from research_assistant.api.forms import Cursor, Limit, PathId, as_json, cut, iso, not_found, parse, place_of, uuid_of
from research_assistant.api.openapi import described

if TYPE_CHECKING:
    from collections.abc import Sequence

    from research_assistant.api.service import Service

MAX_IDEMPOTENCY_KEY_CHARS = 200
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=MAX_IDEMPOTENCY_KEY_CHARS,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        description="The same key of the same caller gives the same run, however often it is sent.",
    ),
]


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the routes of runs."""
    _add_submit(app, service)
    _add_reads(app, service)
    _add_cancel(app, service)


def _add_submit(app: FastAPI, service: Service) -> None:
    @app.post(
        "/v1/runs",
        tags=["runs"],
        **described(
            HTTPStatus.ACCEPTED,
            schema.Accepted,
            "The run is stored and queued; Location says where it is.",
            takes=schema.RunOrder,
            problems=(404, 409),
        ),
    )
    async def submit(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Take a question; the same Idempotency-Key gives the same run."""
        caller = await service.enter(request, "ask")
        asked = parse(schema.RunOrder, await request.body())
        session_id = UUID(asked.session_id) if asked.session_id else None
        if session_id and not await sessions.touch(service.pool, caller.tenant, session_id):
            raise not_found("session")
        known = await tenant_runs.by_key(service.pool, caller, idempotency_key)
        if known is None:  # what was taken before is answered, whatever waits now
            await service.admit(caller, asked.priority)
        order = runs.Order(
            asked.question, caller.name, caller.tenant, asked.priority, session_id, idempotency_key=idempotency_key
        )
        run, _ = await runs.submit(service.pool, order)
        path = f"/v1/runs/{run.id}"
        content = {"id": str(run.id), "state": run.state, "links": {"self": path, "events": f"{path}/events"}}
        return as_json(content, HTTPStatus.ACCEPTED, {"Location": path})


def _add_reads(app: FastAPI, service: Service) -> None:
    @app.get(
        "/v1/runs",
        tags=["runs"],
        **described(HTTPStatus.OK, schema.Runs, "A page of the tenant's runs, newest first."),
    )
    async def listing(request: Request, limit: Limit = 20, cursor: Cursor = None) -> Response:
        """List the tenant's runs, newest first."""
        caller = await service.enter(request, "read")
        found = await tenant_runs.page(service.pool, caller.tenant, limit + 1, place_of(cursor))
        return as_json(page_json(found, limit))

    @app.get(
        "/v1/runs/{run_id}",
        tags=["runs"],
        **described(HTTPStatus.OK, schema.Run, "The run as it is now.", problems=(404,)),
    )
    async def show(request: Request, run_id: PathId) -> Response:
        """Show a run of the caller's tenant."""
        caller = await service.enter(request, "read")
        run = await tenant_runs.get(service.pool, caller.tenant, uuid_of(run_id, "run"))
        if run is None:
            raise not_found("run")
        return as_json(run_json(run))


def _add_cancel(app: FastAPI, service: Service) -> None:
    @app.delete(
        "/v1/runs/{run_id}",
        tags=["runs"],
        **described(
            HTTPStatus.ACCEPTED,
            schema.Run,
            "The run is cancelled, or will be at its next node; a final run stays as it is.",
            problems=(404,),
        ),
    )
    async def cancel(request: Request, run_id: PathId) -> Response:
        """Cancel a run; doing it again, or to a run that has ended, changes nothing."""
        caller = await service.enter(request, "ask")
        id_ = uuid_of(run_id, "run")
        if await tenant_runs.get(service.pool, caller.tenant, id_) is None:
            raise not_found("run")
        await runs.cancel(service.pool, id_)
        run = await tenant_runs.get(service.pool, caller.tenant, id_)
        if run is None:  # retention was faster
            raise not_found("run")
        return as_json(run_json(run), HTTPStatus.ACCEPTED)


def page_json(found: Sequence[runs.Run], limit: int) -> dict[str, Any]:
    """Return a page of runs out of one more than it shows."""
    shown, following = cut(found, limit, lambda run: tenant_runs.Place(run.submitted_at, run.id))
    return {"items": [run_json(run) for run in shown], "next": following}


def run_json(run: runs.Run) -> dict[str, Any]:
    """Return a run as the API shows it."""
    return {
        "id": str(run.id),
        "state": run.state,
        "priority": run.priority,
        "session_id": str(run.session_id) if run.session_id else None,
        "question": run.question,
        "answer": run.answer,
        "citations": run.citations,
        "class": run.run_class,
        "error": {"kind": run.error_kind, "detail": run.error_detail} if run.error_kind else None,
        "timings": {
            "submitted_at": iso(run.submitted_at),
            "started_at": iso(run.started_at),
            "finished_at": iso(run.finished_at),
            "seconds": (run.finished_at - run.submitted_at).total_seconds() if run.finished_at else None,
        },
    }
