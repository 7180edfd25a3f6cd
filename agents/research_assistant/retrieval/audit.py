"""Compare every vector of the index with PostgreSQL, the source of truth, and repair what differs."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from research_assistant import db, documents
from research_assistant.retrieval import rollforward
from research_assistant.retrieval.contents import Contents
from research_assistant.retrieval.index import mark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from uuid import UUID

    from research_assistant.documents import Placed
    from research_assistant.retrieval.contents import Matrix
    from research_assistant.retrieval.index import VectorIndex
    from research_assistant.vectors import Vector

TOLERANCE = 1e-6
"""Of one component. Chroma scales vectors to length 1 again when it stores them: that moves the last bit or two."""
BATCH = 125
AHEAD = 4
"""Vectors of one request, and requests under way; larger answers fall out of the caches and are slower."""
REPAIR_BATCH = 200
SHOWN = 5


@dataclass(slots=True)
class Findings:
    """What a comparison gave: chunks that the index lacks, has wrong, or has although PostgreSQL does not.

    `position` is the change up to which the index was rolled forward, `latest` the newest change of PostgreSQL.
    """

    checked: int = 0
    missing: list[UUID] = field(default_factory=list)
    wrong: list[UUID] = field(default_factory=list)
    extra: list[UUID] = field(default_factory=list)
    position: int = 0
    latest: int = 0

    @property
    def all(self) -> list[UUID]:
        """Return every chunk with which something is wrong."""
        return [*self.missing, *self.wrong, *self.extra]

    def line(self, healed: int) -> dict[str, Any]:
        """Return the findings as printed: counts, and a few ids of each kind."""
        kinds = {"missing": self.missing, "wrong": self.wrong, "extra": self.extra}
        return {
            "checked": self.checked,
            **{kind: len(ids) for kind, ids in kinds.items()},
            "examples": {kind: [str(id_) for id_ in ids[:SHOWN]] for kind, ids in kinds.items()},
            "healed": healed,
            "position": self.position,
            "latest": self.latest,
        }


async def audit(pool: db.Pool, index: VectorIndex) -> Findings:
    """Compare the index with one instant of PostgreSQL; whatever is absent counts as missing: roll forward before.

    What is written meanwhile may show as extra. Never holds more than a few hundred vectors, and the ids.
    """
    copy = await index.copy()
    with closing(Contents(index.url, copy[0])) as contents:
        async with db.snapshot(pool) as conn:
            position = await rollforward.position(conn, copy)
            latest = await documents.latest_change_in(conn)
            held = await contents.ids()
            findings = await compare(contents, _struck_off(documents.embeddings(conn, BATCH), held))
    findings.extra, findings.position, findings.latest = sorted(held), position, latest
    return findings


async def compare(contents: Contents, expected: AsyncIterator[Mapping[UUID, Placed]]) -> Findings:
    """Compare batches of expected chunks with what the index holds: vector and tenant; a few requests overlap."""
    findings = Findings()
    under_way: deque[asyncio.Task[None]] = deque()
    try:
        async for batch in expected:
            under_way.append(asyncio.create_task(_compare(contents, batch, findings)))
            if len(under_way) >= AHEAD:
                await under_way.popleft()
        while under_way:
            await under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
    return findings


async def repair(pool: db.Pool, index: VectorIndex, ids: Sequence[UUID]) -> None:
    """Make the index say of these chunks what PostgreSQL says now.

    Now, not when they were found: a chunk written since then is no longer extra. The row lock keeps a roll-forward from
    deleting a chunk between our reading and our writing it.
    """
    identity, _ = await index.copy()
    async with db.transaction(pool) as conn:
        await rollforward.hold(conn, identity)
        for start in range(0, len(ids), REPAIR_BATCH):
            batch = ids[start : start + REPAIR_BATCH]
            stored = await documents.embeddings_of(conn, batch)
            await index.put({id_: stored.get(id_) for id_ in batch})


def differing(expected: Sequence[Vector], found: Matrix) -> list[bool]:
    """Tell of each row of `found` whether it differs from the expected vector by more than TOLERANCE anywhere.

    A vector of another length differs, and so does one that holds what is not a number.
    """
    wanted = np.full_like(found, np.nan)
    for row, vector in zip(wanted, expected, strict=True):
        if vector.shape == row.shape:
            row[:] = vector
    close = np.abs(found - wanted).max(axis=1, initial=0.0) <= TOLERANCE  # never true for a NaN
    return [not one for one in close]


async def _compare(contents: Contents, batch: Mapping[UUID, Placed], findings: Findings) -> None:
    ids, found, marks = await contents.vectors(list(batch))
    differs = differing([batch[id_].embedding for id_ in ids], found)
    findings.checked += len(batch)
    findings.missing += batch.keys() - set(ids)
    compared = zip(ids, differs, marks, strict=True)
    findings.wrong += [id_ for id_, wrong, whose in compared if wrong or whose != mark(batch[id_].tenant)]


async def _struck_off(batches: AsyncIterator[dict[UUID, Placed]], held: set[UUID]) -> AsyncIterator[dict[UUID, Placed]]:
    """Pass the batches on, and strike their chunks off `held`: what stays is extra."""
    async for batch in batches:
        held.difference_update(batch)
        yield batch
