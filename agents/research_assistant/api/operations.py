"""What operators and probes ask: /healthz, /readyz, /metrics."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import psycopg
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of the routes
from starlette.responses import PlainTextResponse, Response

from bongsu.telemetry import metrics as m
from research_assistant import revisions
from research_assistant.api.problems import problem

if TYPE_CHECKING:
    from fastapi import FastAPI

    from research_assistant import db

CHECKOUT_SECONDS = 2


def add_routes(app: FastAPI, pool: db.Pool) -> None:
    """Add the routes that want no key and are no part of the documented API."""
    schema = revisions.read()

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return PlainTextResponse("ok\n")

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        """Tell whether questions can be taken: Chroma, the LLM and the search may be down, the database may not."""
        try:
            found = await _revisions(pool)
        except psycopg.Error as error:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, f"The database does not answer ({type(error).__name__}).")
        # A revision we do not know is a newer version's: it only adds (docs/jobs.md), and we go on beside it.
        if set(found) != schema.heads and schema.known.issuperset(found):
            wanted = sorted(schema.heads)
            detail = f"The schema is at {found or 'nothing'}, not at {wanted}: run `research-assistant migrate`."
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail)
        return PlainTextResponse("ready\n")

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(m.registry), headers={"Content-Type": content_type})


async def _revisions(pool: db.Pool) -> list[str]:
    """Return the revisions the database is at, none when it has never been migrated."""
    try:
        async with pool.connection(timeout=CHECKOUT_SECONDS) as conn:
            cursor = await conn.execute("SELECT version_num FROM alembic_version ORDER BY 1")
            return [str(row["version_num"]) for row in await cursor.fetchall()]
    except psycopg.errors.UndefinedTable:
        return []
