"""The routes of the API. Bodies arrive bounded (body.py), requests are counted and bounded in time (observe.py)."""

from __future__ import annotations

import json
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from alembic.script import ScriptDirectory
from fastapi import FastAPI
from prometheus_client.exposition import choose_encoder
from starlette.exceptions import HTTPException
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of the routes
from starlette.responses import PlainTextResponse, Response

from bongsu.telemetry import metrics as m
from research_assistant import db, documents, keys, runs
from research_assistant.api.auth import Callers
from research_assistant.api.body import BoundedBody
from research_assistant.api.observe import Observed
from research_assistant.api.problems import Refused, on_exception, on_http_exception, problem
from research_assistant.errors import ConflictError
from research_assistant.migrate import MIGRATIONS

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.types import ASGIApp

MAX_QUESTION_CHARS = 4_000
MAX_IDEMPOTENCY_KEY_CHARS = 200


def build_app(pool: db.Pool) -> ASGIApp:
    """Return the application over an open pool, middleware included."""
    app = FastAPI(title="research assistant", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(ConflictError, _on_conflict)
    app.add_exception_handler(psycopg.Error, _on_database_error)
    app.add_exception_handler(Exception, on_exception)
    callers = Callers(partial(keys.verify, pool))
    _add_runs(app, pool, callers)
    _add_documents(app, pool, callers)
    _add_operations(app, pool)
    return Observed(BoundedBody(app))


def _add_runs(app: FastAPI, pool: db.Pool, callers: Callers) -> None:
    question = {"type": "string", "minLength": 1, "maxLength": MAX_QUESTION_CHARS}
    schema = {
        "type": "object",
        "required": ["question"],
        "properties": {"question": question},
        "additionalProperties": False,
    }
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}

    @app.post("/v1/runs", status_code=HTTPStatus.ACCEPTED, openapi_extra=body)
    async def submit(request: Request) -> Response:
        """Take a question; the same Idempotency-Key gives the same run."""
        owner = await callers.name(request)
        key = _idempotency_key(request)
        question = parse_question(await request.body())
        run, _ = await runs.submit(pool, runs.Order(question, owner, tenant=owner, idempotency_key=key))
        path = f"/v1/runs/{run.id}"
        content = {"id": str(run.id), "state": run.state, "links": {"self": path}}
        return _json(content, HTTPStatus.ACCEPTED, {"Location": path})

    @app.get("/v1/runs/{run_id}")
    async def show(request: Request, run_id: str) -> Response:
        """Show a run of the caller's own."""
        owner = await callers.name(request)
        run = await runs.get(pool, _uuid(run_id, "run"))
        if run is None or run.owner != owner:  # another owner's run does not exist for the caller
            raise _not_found("run")
        return _json(run_json(run))


def _add_documents(app: FastAPI, pool: db.Pool, callers: Callers) -> None:
    @app.get("/v1/documents/{document_id}")
    async def show(request: Request, document_id: str) -> Response:
        """Show a cited document: its text as it was ingested, or JSON for `Accept: application/json`.

        A citation must open in a browser, which sends no key: its random id, known from an answer only, opens the text.
        The JSON names where the document came from and wants a key (docs/adr/0010).
        """
        as_json = "application/json" in request.headers.get("accept", "")
        if as_json:
            await callers.name(request)
        document = await documents.get(pool, _uuid(document_id, "document"))
        if document is None:
            raise _not_found("document")
        if not as_json:
            return PlainTextResponse(document.body, headers={"X-Content-Type-Options": "nosniff", "Vary": "Accept"})
        content = {
            "id": str(document.id),
            "title": document.title,
            "source": document.source,
            "text": document.body,
            "updated_at": _time(document.updated_at),
        }
        return _json(content, headers={"Vary": "Accept"})


def _add_operations(app: FastAPI, pool: db.Pool) -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    wanted, known = sorted(scripts.get_heads()), {script.revision for script in scripts.walk_revisions()}

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return PlainTextResponse("ok\n")

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        """Tell whether questions can be taken: Chroma, the LLM and the search may be down, the database may not."""
        try:
            async with pool.connection(timeout=2) as conn:
                cursor = await conn.execute("SELECT version_num FROM alembic_version ORDER BY 1")
                found = [str(row["version_num"]) for row in await cursor.fetchall()]
        except psycopg.errors.UndefinedTable:
            found = []
        except psycopg.Error as error:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, f"The database does not answer ({type(error).__name__}).")
        # A revision we do not know is a newer version's: it only adds (docs/jobs.md), and we go on beside it.
        if found != wanted and known.issuperset(found):
            detail = f"The schema is at {found or 'nothing'}, not at {wanted}: run `research-assistant migrate`."
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail)
        return PlainTextResponse("ready\n")

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(m.registry), headers={"Content-Type": content_type})


def parse_question(body: bytes) -> str:
    """Return the question in a body `{"question": "..."}`; raise Refused (422) for anything else."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise _wrong("body", "The body is not JSON.") from None
    if not isinstance(content, dict) or set(content) != {"question"}:
        raise _wrong("body", 'The body must be a JSON object with the one key "question".')
    question = content["question"]
    if not isinstance(question, str) or not 1 <= len(question.strip()) <= MAX_QUESTION_CHARS:
        raise _wrong("question", f"The question must be text of 1 to {MAX_QUESTION_CHARS} characters.")
    try:
        question.encode()
    except UnicodeEncodeError:
        raise _wrong("question", "The question holds half a character (a lone surrogate).") from None
    if "\0" in question:
        raise _wrong("question", "The question holds a NUL character.")
    return question.strip()


def run_json(run: runs.Run) -> dict[str, Any]:
    """Return a run as the API shows it."""
    return {
        "id": str(run.id),
        "state": run.state,
        "question": run.question,
        "answer": run.answer,
        "citations": run.citations,
        "class": run.run_class,
        "error": {"kind": run.error_kind, "detail": run.error_detail} if run.error_kind else None,
        "timings": {
            "submitted_at": _time(run.submitted_at),
            "started_at": _time(run.started_at),
            "finished_at": _time(run.finished_at),
            "seconds": (run.finished_at - run.submitted_at).total_seconds() if run.finished_at else None,
        },
    }


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (1 <= len(key) <= MAX_IDEMPOTENCY_KEY_CHARS and key.isascii() and key.isprintable()):
        detail = f"The Idempotency-Key must be 1 to {MAX_IDEMPOTENCY_KEY_CHARS} printable ASCII characters."
        raise _wrong("Idempotency-Key", detail)
    return key


async def _on_conflict(_request: Request, _error: Exception) -> Response:
    detail = "The Idempotency-Key was used for another question: use a new key for a new question."
    return problem(HTTPStatus.CONFLICT, detail, field="Idempotency-Key")


async def _on_database_error(_request: Request, error: Exception) -> Response:
    if not db.is_connection_lost(error):
        raise error
    m.errors.labels("database").inc()
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer. The request was not carried out.")


def _json(content: object, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(content, ensure_ascii=False), status, headers, "application/json")


def _wrong(field: str, detail: str) -> Refused:
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, detail, field=field)


def _not_found(what: str) -> Refused:
    return Refused(HTTPStatus.NOT_FOUND, f"There is no such {what}.")


def _uuid(text: str, what: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _not_found(what) from None


def _time(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="milliseconds") if instant else None
