"""Measure the vector search while it serves: golden questions against documents that are known to answer them."""

from __future__ import annotations

import asyncio
import math
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import psycopg

from bongsu.core import conventions as names
from bongsu.core.errors import UnreachableError
from bongsu.telemetry import metrics as m
from bongsu.telemetry.reading import Reading
from research_assistant import db, documents, golden
from research_assistant.retrieval import rollforward
from research_assistant.retrieval.embed import embed
from research_assistant.retrieval.retriever import CANDIDATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from research_assistant.retrieval.index import VectorIndex
    from research_assistant.services import Services

ROUND_SECONDS = 20.0


async def keep_probing(services: Services) -> None:
    """Measure recall and lag every `recall_seconds` until cancelled; what cannot be measured is NaN."""
    every = services.settings.recall_seconds
    recall, lag = Reading(fresh=2 * every + ROUND_SECONDS), Reading(fresh=2 * every + ROUND_SECONDS)
    m.gauge(names.VECTOR_RECALL).set_function(recall.get)
    m.gauge(names.VECTOR_LAG).set_function(lag.get)
    questions = golden.load()
    while True:
        try:
            async with asyncio.timeout(ROUND_SECONDS):
                lag.set(await index_lag(services.pool, services.documents.vectors))
                recall.set(await measure(services.pool, services.documents.vectors, questions))
        except (UnreachableError, psycopg.Error, TimeoutError):
            recall.set(math.nan)
            lag.set(math.nan)
        await asyncio.sleep(every)


async def measure(pool: db.Pool, vectors: VectorIndex, questions: Iterable[golden.Golden]) -> float:
    """Return the share of known documents among the CANDIDATES nearest chunks of their questions.

    Documents that are not stored do not count; NaN when none is. The index is asked directly: a measurement must
    not thin out the failures that users meet.
    """
    stored = await _stems(pool)
    found = wanted = 0
    for question in questions:
        expected = stored.intersection(question.sources)
        if expected:
            near = await _stems(pool, await vectors.query(embed(question.question), CANDIDATES, None))
            found, wanted = found + len(expected & near), wanted + len(expected)
    return found / wanted if wanted else math.nan


async def index_lag(pool: db.Pool, vectors: VectorIndex) -> float:
    """Return how many changes of documents the index has not applied."""
    copy = await vectors.copy()
    async with pool.connection() as conn:
        position = await rollforward.position(conn, copy)
    return float(max(await documents.latest_change(pool) - position, 0))


async def _stems(pool: db.Pool, chunks: Sequence[UUID] | None = None) -> set[str]:
    """Return the file stems of the documents of these chunks, of all that everybody may read by default."""
    query = "SELECT DISTINCT d.source FROM documents d WHERE d.tenant IS NULL"
    if chunks is not None:
        query = "SELECT DISTINCT d.source FROM documents d JOIN chunks c ON c.document_id = d.id WHERE c.id = ANY(%s)"
    async with pool.connection() as conn:
        cursor = await conn.execute(query, None if chunks is None else (list(chunks),))
        return {PurePosixPath(row["source"]).stem async for row in cursor}
