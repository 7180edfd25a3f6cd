"""Find the passages of own documents that speak of a query: two rankings, fused; the text comes from PostgreSQL."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.core.errors import UnreachableError
from bongsu.core.semconv import RETRIEVAL
from bongsu.telemetry import metrics as m
from bongsu.telemetry import work
from bongsu.telemetry.genai import Call
from research_assistant import documents
from research_assistant.retrieval.embed import embed
from research_assistant.retrieval.fusion import fuse
from research_assistant.retrieval.index import COLLECTION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from research_assistant import db
    from research_assistant.retrieval.bm25 import KeywordIndex
    from research_assistant.retrieval.index import VectorIndex
    from research_assistant.state import Passage

CANDIDATES = 20
PASSAGES = 4
MAX_PER_DOCUMENT = 2
"""Answers that lean on one document alone cannot be checked against a second one."""


@dataclass(frozen=True, slots=True)
class Retriever:
    """The `documents` tool of the researchers."""

    pool: db.Pool
    keywords: KeywordIndex
    vectors: VectorIndex
    api_url: str

    async def find(self, query: str, tenant: str | None) -> tuple[list[Passage], tuple[str, ...]]:
        """Return at most PASSAGES passages, best first, and the kinds of failure on the way ("vector" or none).

        They come from shared documents and the tenant's own. Without Chroma the words alone rank: a lesser answer beats
        none.
        """
        by_words = await self.keywords.search(query, CANDIDATES, tenant)
        by_vector, failures = await self._by_vector(query, tenant)
        ranked = fuse(by_words, by_vector)
        stored = await documents.chunks(self.pool, ranked, tenant)
        # Ids that PostgreSQL does not give are of deleted documents (Chroma may lag behind), or not for this tenant.
        known = [stored[id_] for id_ in ranked if id_ in stored]
        return [self._passage(chunk) for chunk in _diverse(known)], failures

    async def _by_vector(self, query: str, tenant: str | None) -> tuple[Sequence[UUID], tuple[str, ...]]:
        started = time.perf_counter()
        outcome = "error"
        try:
            with work.model(Call(RETRIEVAL, "chroma", COLLECTION, server=self.vectors.url)):
                found = await self.vectors.query(embed(query), CANDIDATES, tenant)
            outcome = "ok"
        except UnreachableError:
            return (), ("vector",)
        finally:
            m.vector_duration.labels(outcome).observe(time.perf_counter() - started)
        return found, ()

    def _passage(self, chunk: documents.StoredChunk) -> Passage:
        return {
            "source": "documents",
            "title": f"{chunk.title}: {chunk.heading}" if chunk.heading else chunk.title,
            "url": f"{self.api_url}/v1/documents/{chunk.document_id}",
            "text": chunk.text,
        }


def _diverse(chunks: Iterable[documents.StoredChunk]) -> list[documents.StoredChunk]:
    """Return the first PASSAGES chunks with at most MAX_PER_DOCUMENT of one document."""
    used: Counter[UUID] = Counter()
    chosen = []
    for chunk in chunks:
        used[chunk.document_id] += 1
        if used[chunk.document_id] <= MAX_PER_DOCUMENT:
            chosen.append(chunk)
    return chosen[:PASSAGES]
