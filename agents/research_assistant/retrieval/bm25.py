"""Rank chunks by their words (BM25), from a copy in memory that follows the change sequence of PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bm25s
import numpy as np

from research_assistant import documents
from research_assistant.retrieval.words import terms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from numpy.typing import NDArray

    from research_assistant import db

logging.getLogger("bm25s").setLevel(logging.WARNING)  # importing it sets DEBUG: a line for each rebuilt index


class KeywordIndex:
    """The words of every chunk of one database.

    Each search looks at the change sequence first (one short query) and takes over what is new, so that a document is
    found, and a deleted one forgotten, by the first question after its commit.
    """

    def __init__(self, pool: db.Pool) -> None:
        self._pool = pool
        self._seq = 0
        self._terms: dict[UUID, tuple[list[str], str | None]] = {}
        self._ranks = _Ranks(None, [], [])
        self._refreshing = asyncio.Lock()

    async def search(self, query: str, count: int, tenant: str | None) -> list[UUID]:
        """Return the ids of at most `count` chunks that share a term with `query` and that the tenant may read."""
        async with self._refreshing:
            await self._refresh()
            ranks = self._ranks
        wanted = list(dict.fromkeys(terms(query)))
        if ranks.index is None or not wanted:
            return []
        found = ranks.index.retrieve(
            [wanted], k=min(count, len(ranks.ids)), weight_mask=ranks.readable(tenant), show_progress=False, n_threads=0
        )
        ranked = zip(found.documents[0], found.scores[0], strict=True)
        return [ranks.ids[int(number)] for number, score in ranked if score > 0]

    async def _refresh(self) -> None:
        latest = await documents.latest_change(self._pool)
        if latest == self._seq:
            return
        if latest < self._seq:  # the database was restored to an earlier point: start over
            self._seq, self._terms = 0, {}
        changes = await documents.texts_after(self._pool, self._seq)
        # In a thread: a thousand chunks take a quarter of a second, and seven other runs share this event loop.
        self._ranks = await asyncio.to_thread(self._apply, changes)
        self._seq = max((change.seq for change in changes), default=latest)

    def _apply(self, changes: Iterable[documents.Text]) -> _Ranks:
        for change in changes:
            if change.text is None:
                self._terms.pop(change.chunk_id, None)
            else:
                self._terms[change.chunk_id] = (terms(change.text), change.tenant)
        kept = {id_: held for id_, held in self._terms.items() if held[0]}
        if not kept:
            return _Ranks(None, [], [])
        index = bm25s.BM25(method="lucene")
        index.index([words for words, _ in kept.values()], show_progress=False)
        return _Ranks(index, list(kept), [tenant for _, tenant in kept.values()])


@dataclass(frozen=True, slots=True)
class _Ranks:
    """One state of the index: the chunks in its order, and whose each is (None: everybody's)."""

    index: bm25s.BM25 | None
    ids: list[UUID]
    tenants: list[str | None]

    def readable(self, tenant: str | None) -> NDArray[np.float32]:
        """Return 1 for each chunk that the tenant may read, else 0: what is multiplied with the scores."""
        return np.array([held is None or held == tenant for held in self.tenants], np.float32)
