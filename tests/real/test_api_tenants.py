"""Tenants on a real database: what is one's is never another's, on every endpoint that the OpenAPI document has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from research_assistant import documents
from research_assistant.retrieval.bm25 import KeywordIndex
from research_assistant.retrieval.retriever import Retriever
from research_assistant.settings import Settings

from bongsu.core.errors import UnreachableError
from tests.real.support import tenant_matrix
from tests.real.support.api_world import ApiWorld, api_world, migrated
from tests.real.support.pg import Postgres
from tests.real.support.tenant_matrix import FILTERS, SECRET_WORD, belongings, leaks, matrix, operations, upload

JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def settings(server: Postgres) -> Settings:
    return migrated(server, "api_tenants")


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[ApiWorld]:
    async with api_world(settings) as made:
        yield made


async def test_no_endpoint_reads_or_writes_across_tenants(world: ApiWorld) -> None:
    assert await leaks(world) == []


@pytest.mark.parametrize(
    ("module", "name", "off"),
    FILTERS,
    ids=["runs", "documents", "sessions"],
)
async def test_a_tenant_filter_that_is_off_is_found(
    world: ApiWorld, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, off: str
) -> None:
    monkeypatch.setattr(module, name, off)
    assert await leaks(world) != []


async def test_an_endpoint_without_a_row_is_found(world: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await operations(world) | {"GET /v1/everything"}

    async def more(_: ApiWorld) -> set[str]:
        return found

    monkeypatch.setattr(tenant_matrix, "operations", more)
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
