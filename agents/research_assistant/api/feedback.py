"""/v1/runs/{run_id}/feedback: what callers think of an answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of the routes
from starlette.responses import Response  # noqa: TC002 - FastAPI reads the annotations of the routes

from research_assistant import engagement, feedback, tenant_runs
from research_assistant.api import schema
from research_assistant.api.forms import PathId, as_json, iso, not_found, parse, uuid_of
from research_assistant.api.openapi import described

if TYPE_CHECKING:
    from fastapi import FastAPI

    from research_assistant.api.service import Service


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the routes of feedback."""

    @app.post(
        "/v1/runs/{run_id}/feedback",
        tags=["feedback"],
        **described(
            HTTPStatus.OK,
            schema.Feedback,
            "Stored; the caller's earlier word on this run is replaced.",
            takes=schema.FeedbackOrder,
            problems=(404,),
        ),
    )
    async def put(request: Request, run_id: PathId) -> Response:
        """Score an answer from 1 to 5; each caller has one word on each run."""
        caller = await service.enter(request, "feedback")
        given = parse(schema.FeedbackOrder, await request.body())
        stored = await feedback.put(service.pool, caller, uuid_of(run_id, "run"), given.score, given.text)
        if stored is None:
            raise not_found("run")
        engagement.scored(given.score)
        return as_json(_feedback_json(stored))

    @app.get(
        "/v1/runs/{run_id}/feedback",
        tags=["feedback"],
        **described(HTTPStatus.OK, schema.FeedbackList, "The tenant's words on the run.", problems=(404,)),
    )
    async def listing(request: Request, run_id: PathId) -> Response:
        """List what the tenant's callers think of an answer, newest first."""
        caller = await service.enter(request, "read")
        run = await tenant_runs.get(service.pool, caller.tenant, uuid_of(run_id, "run"))
        if run is None:
            raise not_found("run")
        words = await feedback.of_run(service.pool, caller.tenant, run.id)
        return as_json({"items": [_feedback_json(word) for word in words]})


def _feedback_json(word: feedback.Feedback) -> dict[str, Any]:
    return {"run_id": str(word.run_id), "owner": word.owner, "score": word.score, "text": word.text, "at": iso(word.at)}
