"""The matrix of tenants: bob tries every endpoint of the OpenAPI document on what is ann's."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from research_assistant import sessions, tenant_documents, tenant_runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.real.support.api_world import ApiWorld

SECRET_WORD = "xylophone"
MARKDOWN = {"Content-Type": "text/markdown"}
FILTERS: tuple[tuple[Any, str, str], ...] = (
    (tenant_runs, "MINE", "%(tenant)s <> ''"),
    (tenant_documents, "READABLE", "(%(tenant)s <> '' OR d.tenant IS NULL)"),
    (sessions, "MINE", "%(tenant)s <> ''"),
)
"""Where each filter stands, and what it is when it is off."""


@dataclass(frozen=True, slots=True)
class Row:
    """How bob tries one endpoint on what is ann's: the rest of the request, and the statuses that are right."""

    statuses: tuple[int, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)


def matrix(mine: Mapping[str, Any]) -> dict[str, Row]:
    """Return a row for each endpoint; `mine` are ids of ann's."""
    return {
        "POST /v1/runs": Row((404,), {"json": {"question": "Why?", "session_id": mine["session_id"]}}),
        "GET /v1/runs": Row((200,)),
        "GET /v1/runs/{run_id}": Row((404,)),
        "DELETE /v1/runs/{run_id}": Row((404,)),
        "GET /v1/runs/{run_id}/events": Row((404,)),
        "POST /v1/runs/{run_id}/feedback": Row((404,), {"json": {"score": 1}}),
        "GET /v1/runs/{run_id}/feedback": Row((404,)),
        "POST /v1/sessions": Row((201,)),
        "GET /v1/sessions/{session_id}": Row((404,)),
        "POST /v1/documents": Row(
            (201,), {"params": {"name": "secret.md"}, "content": "# Mine\n\nOther words.", "headers": MARKDOWN}
        ),
        "GET /v1/documents": Row((200,)),
        "GET /v1/documents/{document_id}": Row((404,)),
        "DELETE /v1/documents/{document_id}": Row((404,)),
        "GET /v1/usage": Row((200,)),
    }


TABLES = {
    "runs": "SELECT * FROM runs WHERE tenant = 'a' ORDER BY id",
    "run_events": "SELECT e.* FROM run_events e JOIN runs r ON r.id = e.run_id WHERE r.tenant = 'a' ORDER BY e.id",
    "sessions": "SELECT * FROM sessions WHERE tenant = 'a' ORDER BY id",
    "feedback": "SELECT * FROM feedback WHERE tenant = 'a' ORDER BY id",
    "documents": "SELECT * FROM documents WHERE tenant = 'a' ORDER BY id",
}


async def belongings(world: ApiWorld) -> dict[str, str]:
    """Give ann one of everything, each with a word that only she knows; return the ids."""
    session = (await world.ask("POST", "/v1/sessions")).json()["id"]
    run = await world.run(f"What is a {SECRET_WORD}?", session_id=session)
    await world.finish(run, f"A {SECRET_WORD}. [1]")
    await world.ask("POST", f"/v1/runs/{run}/feedback", json={"score": 5, "text": SECRET_WORD})
    waiting = await world.run(f"Which {SECRET_WORD}?")
    uploaded = await upload(world, "ann", f"# The {SECRET_WORD}\n\nThe {SECRET_WORD} is kept in room nine.")
    return {"run_id": str(run), "session_id": session, "document_id": uploaded["id"], "waiting": str(waiting)}


async def upload(world: ApiWorld, key: str, text: str, name: str = "secret.md") -> dict[str, Any]:
    reply = await world.ask("POST", "/v1/documents", key, params={"name": name}, content=text, headers=MARKDOWN)
    assert reply.status_code == 201, reply.text
    stored: dict[str, Any] = reply.json()
    return stored


async def operations(world: ApiWorld) -> set[str]:
    """Return every endpoint of the OpenAPI document as `METHOD /path`."""
    paths = (await world.http.get("/openapi.json")).json()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


async def state(world: ApiWorld) -> dict[str, list[dict[str, Any]]]:
    return {table: await world.rows(query) for table, query in TABLES.items()}


async def leaks(world: ApiWorld) -> list[str]:
    """Return what bob could read or write of ann's, endpoint by endpoint."""
    mine = await belongings(world)
    rows = matrix(mine)
    wrong = [f"{operation}: not in the matrix" for operation in sorted(await operations(world) ^ rows.keys())]
    for operation, row in rows.items():
        method, _, template = operation.partition(" ")
        for path in {template.format(**mine), template.format(**mine | {"run_id": mine["waiting"]})}:
            before = await state(world)
            reply = await world.ask(method, path, "bob", **row.arguments)
            told = reply.text + json.dumps(dict(reply.headers))
            if reply.status_code not in row.statuses:
                wrong.append(f"{operation}: answered {reply.status_code}")
            if SECRET_WORD in told or any(id_ in told for id_ in mine.values()):
                wrong.append(f"{operation}: told what is ann's")
            if await state(world) != before:
                wrong.append(f"{operation}: changed what is ann's")
    return wrong
