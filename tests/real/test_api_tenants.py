"""Tenants on a real database: what is one's is never another's, on every endpoint that the OpenAPI document has."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from research_assistant import documents, sessions, tenant_documents, tenant_runs
from research_assistant.api.app import build_routes
from research_assistant.retrieval.bm25 import KeywordIndex
from research_assistant.retrieval.retriever import Retriever
from research_assistant.settings import Settings

from bongsu.core.errors import UnreachableError
from tests.real.support.api_world import ApiWorld, api_world, migrated
from tests.real.support.pg import Postgres

SECRET_WORD = "xylophone"
JSON = {"Accept": "application/json"}


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


MARKDOWN = {"Content-Type": "text/markdown"}
TABLES = {
    "runs": "SELECT * FROM runs WHERE tenant = 'a' ORDER BY id",
    "run_events": "SELECT e.* FROM run_events e JOIN runs r ON r.id = e.run_id WHERE r.tenant = 'a' ORDER BY e.id",
    "sessions": "SELECT * FROM sessions WHERE tenant = 'a' ORDER BY id",
    "feedback": "SELECT * FROM feedback WHERE tenant = 'a' ORDER BY id",
    "documents": "SELECT * FROM documents WHERE tenant = 'a' ORDER BY id",
}


@pytest.fixture(scope="module")
def settings(server: Postgres) -> Settings:
    return migrated(server, "api_tenants")


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[ApiWorld]:
    async with api_world(settings) as made:
        yield made


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


def operations(world: ApiWorld) -> set[str]:
    """Return every endpoint of the OpenAPI document as `METHOD /path`."""
    paths = build_routes(world.service).openapi()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


async def state(world: ApiWorld) -> dict[str, list[dict[str, Any]]]:
    return {table: await world.rows(query) for table, query in TABLES.items()}


async def leaks(world: ApiWorld) -> list[str]:
    """Return what bob could read or write of ann's, endpoint by endpoint."""
    mine = await belongings(world)
    rows = matrix(mine)
    wrong = [f"{operation}: not in the matrix" for operation in sorted(operations(world) ^ rows.keys())]
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


async def test_no_endpoint_reads_or_writes_across_tenants(world: ApiWorld) -> None:
    assert await leaks(world) == []


@pytest.mark.parametrize(
    ("module", "name", "off"),
    [
        (tenant_runs, "MINE", "%(tenant)s <> ''"),
        (tenant_documents, "READABLE", "(%(tenant)s <> '' OR d.tenant IS NULL)"),
        (sessions, "MINE", "%(tenant)s <> ''"),
    ],
    ids=["runs", "documents", "sessions"],
)
async def test_a_tenant_filter_that_is_off_is_found(
    world: ApiWorld, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, off: str
) -> None:
    monkeypatch.setattr(module, name, off)
    assert await leaks(world) != []


async def test_an_endpoint_without_a_row_is_found(world: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    found = operations(world)
    monkeypatch.setitem(globals(), "operations", lambda _: found | {"GET /v1/everything"})
    assert await leaks(world) == ["GET /v1/everything: not in the matrix"]


async def test_every_endpoint_wants_a_key_but_a_shared_citation(world: ApiWorld) -> None:
    mine = await belongings(world)
    for operation, row in matrix(mine).items():
        method, _, template = operation.partition(" ")
        reply = await world.ask(method, template.format(**mine), "", **row.arguments)
        expected = 404 if operation == "GET /v1/documents/{document_id}" else 401
        assert (operation, reply.status_code) == (operation, expected)


async def test_every_endpoint_wants_its_scope(world: ApiWorld) -> None:
    mine = await belongings(world)
    await world.key("reader", "a", ["read"])
    await world.key("asker", "a", ["ask"])
    for operation, row in matrix(mine).items():
        method, _, template = operation.partition(" ")
        if operation == "GET /v1/documents/{document_id}":
            continue  # opens for anybody where it is shared; its own test is below
        key = "asker" if method == "GET" else "reader"
        reply = await world.ask(method, template.format(**mine), key, **row.arguments)
        assert (operation, reply.status_code) == (operation, 403)
        assert reply.headers["content-type"] == "application/problem+json"


async def test_a_private_document_opens_for_its_tenant_by_key_or_cookie_and_a_shared_one_for_anybody(
    world: ApiWorld,
) -> None:
    mine = await belongings(world)
    path = f"/v1/documents/{mine['document_id']}"
    assert SECRET_WORD in (await world.ask("GET", path)).text
    by_cookie = await world.ask("GET", path, "", headers={"Cookie": f"session_key={await world.key('ann', 'a')}"})
    assert SECRET_WORD in by_cookie.text
    assert by_cookie.headers["cache-control"] == "private, no-store"
    assert (await world.ask("GET", path, headers=JSON)).json()["source"] == "secret.md"
    assert (await world.ask("GET", path, "")).status_code == 404
    assert (await world.ask("GET", path, "bob")).status_code == 404
    shared = await documents.replace_all(world.pool, [version("shared.md", "# Shared\n\nFor everybody to read.")])
    path = f"/v1/documents/{shared['shared.md']}"
    assert (await world.ask("GET", path, "")).text == "# Shared\n\nFor everybody to read."
    assert (await world.ask("GET", path, "", headers=JSON)).status_code == 401
    assert (await world.ask("DELETE", path, "ann")).status_code == 403


def version(source: str, body: str, tenant: str | None = None) -> documents.Version:
    from research_assistant.retrieval.chunking import article  # noqa: PLC0415

    made = article(body, default_title=source)
    return documents.Version(source, body, made, documents.embedded(made), tenant)


class Blind:
    """A vector index whose filter is off: it ranks every chunk of everybody."""

    url = "http://127.0.0.1:1"

    def __init__(self, world: ApiWorld) -> None:
        self.world = world

    async def query(self, _vector: Any, _count: int, _tenant: str | None) -> list[UUID]:
        return [row["id"] for row in await self.world.rows("SELECT id FROM chunks ORDER BY id")]


class Away:
    url = "http://127.0.0.1:1"

    async def query(self, _vector: Any, _count: int, _tenant: str | None) -> list[UUID]:
        raise UnreachableError("away")


@pytest.mark.parametrize("index", [Blind, Away])
async def test_retrieval_sees_shared_documents_and_the_tenants_own(world: ApiWorld, index: type[Any]) -> None:
    await belongings(world)
    common = {"common.md": f"# Common\n\nA {SECRET_WORD} is an instrument."}
    await documents.replace_all(world.pool, [version(name, text) for name, text in common.items()])
    vectors = index() if index is Away else index(world)
    retriever = Retriever(world.pool, KeywordIndex(world.pool), vectors, "http://api")
    seen = {
        tenant: " ".join(
            passage["text"] for passage in (await retriever.find(f"Where is the {SECRET_WORD}?", tenant))[0]
        )
        for tenant in ("a", "b", None)
    }
    assert "room nine" in seen["a"]
    assert all("instrument" in text for text in seen.values())
    assert not any("room nine" in seen[tenant] for tenant in ("b", None))


async def test_a_keyword_index_ranks_only_what_the_tenant_may_read(world: ApiWorld) -> None:
    await belongings(world)
    index = KeywordIndex(world.pool)
    assert await index.search(SECRET_WORD, 20, "a")
    known = {
        row["id"]
        for row in await world.rows(
            "SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document_id WHERE d.tenant = 'a'"
        )
    }
    assert known.isdisjoint(await index.search(SECRET_WORD, 20, "b"))
    assert known.isdisjoint(await index.search(SECRET_WORD, 20, None))


async def test_two_tenants_may_use_one_name_and_neither_replaces_the_other(world: ApiWorld) -> None:
    first = await upload(world, "ann", "# One\n\nThe first text of this name.", "same.md")
    other = await upload(world, "bob", "# Two\n\nThe second text of this name.", "same.md")
    again = await upload(world, "ann", "# Three\n\nThe third text of this name.", "same.md")
    assert first["id"] == again["id"] != other["id"]
    assert (await world.ask("GET", f"/v1/documents/{other['id']}", "bob")).text.startswith("# Two")


async def test_the_same_idempotency_key_of_two_callers_is_two_runs(world: ApiWorld) -> None:
    header = {"Idempotency-Key": "k"}
    await world.key("cid", "a")
    ids = [
        (await world.ask("POST", "/v1/runs", key, json={"question": "Same?"}, headers=header)).json()["id"]
        for key in ("ann", "cid", "bob", "ann")
    ]
    assert len(set(ids)) == 3
    assert ids[0] == ids[3]


async def test_a_name_that_moved_to_another_tenant_does_not_find_its_old_run(world: ApiWorld) -> None:
    from research_assistant import keys  # noqa: PLC0415

    await world.key("dan", "a")
    header, content = {"Idempotency-Key": "mine"}, {"question": f"A {SECRET_WORD}?"}
    old = await world.ask("POST", "/v1/runs", "dan", json=content, headers=header)
    await keys.revoke(world.pool, "dan")
    await world.key("dan", "b")
    world.service.callers._seen.clear()  # noqa: SLF001 - instead of the second that a key is remembered
    reply = await world.ask("POST", "/v1/runs", "dan", json=content, headers=header)
    assert reply.status_code == 409
    assert old.json()["id"] not in reply.text
