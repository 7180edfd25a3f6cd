from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from research_assistant.retrieval.index import MARGIN, TENANT, mark, nearest


class Collection:
    """A collection whose chunks lie in a row, nearest first; it counts how often it was asked, and how."""

    def __init__(self, *tenants: str | None) -> None:
        self.marks = [mark(tenant) for tenant in tenants]
        self.filters: list[Any] = []

    async def query(self, *, n_results: int, where: Any = None, **_: Any) -> dict[str, Any]:
        self.filters.append(where)
        wanted = where[TENANT]["$in"] if where else self.marks
        held = [(str(UUID(int=n)), mark) for n, mark in enumerate(self.marks) if mark in wanted][:n_results]
        return {"ids": [[id_ for id_, _ in held]], "metadatas": [[{TENANT: mark} for _, mark in held]]}


async def found(collection: Collection, count: int, tenant: str | None) -> list[int]:
    return [id_.int for id_ in await nearest(collection, [1.0], count, tenant)]  # type: ignore[arg-type]


@pytest.mark.parametrize(("tenant", "expected"), [("a", [0, 1]), ("b", [0, 2]), (None, [0, 3])])
async def test_only_shared_chunks_and_the_tenants_own_are_ranked(tenant: str | None, expected: list[int]) -> None:
    collection = Collection(None, "a", "b", None, None, None)
    assert await found(collection, 2, tenant) == expected
    assert collection.filters == [None]


async def test_where_others_crowd_the_first_ones_the_filter_decides() -> None:
    collection = Collection(*["b"] * (2 * MARGIN), "a", None)
    assert await found(collection, 2, "a") == [2 * MARGIN, 2 * MARGIN + 1]
    assert collection.filters == [None, {TENANT: {"$in": ["shared", "t:a"]}}]


async def test_a_small_collection_is_asked_once() -> None:
    collection = Collection("b", "a")
    assert await found(collection, 2, "a") == [1]
    assert len(collection.filters) == 1


async def test_a_chunk_that_does_not_say_whose_it_is_is_nobodys() -> None:
    collection = Collection("a")
    collection.marks = [""]
    assert await found(collection, 2, "a") == []


def test_no_tenant_has_the_mark_of_everybody() -> None:
    assert mark("shared") != mark(None)
