"""Find out which markers of a series are there and right, in PostgreSQL and in the index."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from research_assistant import db, documents
from research_assistant.markers import marker
from research_assistant.retrieval import audit
from research_assistant.retrieval.contents import Contents
from research_assistant.retrieval.index import VectorIndex
from research_assistant.settings import Settings
from research_assistant.verbs.store import open_store

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable

SHOWN_DAMAGED = 20


@dataclass(frozen=True, slots=True)
class Found:
    """Numbers of markers: intact in PostgreSQL; of these right in the index; in PostgreSQL but not as written."""

    database: frozenset[int]
    index: frozenset[int]
    damaged: frozenset[int]

    def line(self, series: str) -> dict[str, Any]:
        """Return what is printed."""
        return {
            "series": series,
            "database": marker.ranges(self.database),
            "index": marker.ranges(self.index),
            "damaged": sorted(self.damaged)[:SHOWN_DAMAGED],
        }


async def run(args: Namespace) -> int:
    """Print one JSON line {series, database, index, damaged}; return 0."""
    series = marker.checked(args.series)
    settings = Settings.from_env(needs=("DATABASE_URL", "CHROMA_URL"))
    async with open_store(settings) as pool:
        found = await find(pool, VectorIndex(settings.chroma_url), series)
    print(json.dumps(found.line(series)))
    return 0


async def find(pool: db.Pool, index: VectorIndex, series: str) -> Found:
    """Compare every marker of one instant of PostgreSQL with what was written, and its vectors with the index."""
    prefix = marker.prefix(series)
    identity, _ = await index.copy()
    with closing(Contents(index.url, identity)) as contents:
        async with db.snapshot(pool) as conn:
            intact, damaged = sort([document async for document in documents.bodies(conn, prefix)], series)
            owners = {id_: marker.number_of(source) for id_, source in await documents.chunk_sources(conn, prefix)}
            compared = await audit.compare(contents, documents.embeddings(conn, audit.BATCH, prefix=prefix))
    not_indexed = {owners[chunk] for chunk in compared.all}
    return Found(intact, frozenset(intact & set(owners.values()) - not_indexed), damaged)


def sort(bodies: Iterable[documents.Body], series: str) -> tuple[frozenset[int], frozenset[int]]:
    """Return the numbers of the intact and of the damaged markers; a source that is no marker's is neither."""
    intact: set[int] = set()
    damaged: set[int] = set()
    for document in bodies:
        number = marker.number_of(document.source)
        if number is not None:
            unchanged = documents.digest(document.body) == document.sha256
            right = unchanged and marker.fact(series, number) in document.body.splitlines()
            (intact if right else damaged).add(number)
    return frozenset(intact), frozenset(damaged)
