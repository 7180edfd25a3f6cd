"""Rank chunks by their words (BM25), from a copy in memory that follows the change sequence of PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import bm25s

from research_assistant import documents
from research_assistant.retrieval.words import terms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

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
        self._terms: dict[UUID, list[str]] = {}
        self._ids: list[UUID] = []
        self._index: bm25s.BM25 | None = None
        self._refreshing = asyncio.Lock()

    async def search(self, query: str, count: int) -> list[UUID]:
        """Return the ids of at most `count` chunks that share a term with `query`, best first."""
        async with self._refreshing:
            await self._refresh()
            index, ids = self._index, self._ids
        wanted = list(dict.fromkeys(terms(query)))
        if index is None or not wanted:
            return []
        found = index.retrieve([wanted], k=min(count, len(ids)), show_progress=False, n_threads=0)
        ranked = zip(found.documents[0], found.scores[0], strict=True)
        return [ids[int(number)] for number, score in ranked if score > 0]

    async def _refresh(self) -> None:
        latest = await documents.latest_change(self._pool)
        if latest == self._seq:
            return
        if latest < self._seq:  # the database was restored to an earlier point: start over
            self._seq, self._terms = 0, {}
        changes = await documents.texts_after(self._pool, self._seq)
        # In a thread: a thousand chunks take a quarter of a second, and seven other runs share this event loop.
        self._index, self._ids = await asyncio.to_thread(self._apply, changes)
        self._seq = max((change.seq for change in changes), default=latest)

    def _apply(self, changes: Iterable[documents.Text]) -> tuple[bm25s.BM25 | None, list[UUID]]:
        for change in changes:
            if change.text is None:
                self._terms.pop(change.chunk_id, None)
            else:
                self._terms[change.chunk_id] = terms(change.text)
        kept = {id_: words for id_, words in self._terms.items() if words}
        if not kept:
            return None, []
        index = bm25s.BM25(method="lucene")
        index.index(list(kept.values()), show_progress=False)
        return index, list(kept)
