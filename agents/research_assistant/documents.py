"""Documents and their chunks in PostgreSQL: the source of truth that every derived index follows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from research_assistant import db
from research_assistant.retrieval import embed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from research_assistant.retrieval.chunking import Article


@dataclass(frozen=True, slots=True)
class Document:
    """One stored document; `source` is where it was ingested from, `body` its text as it was in the file."""

    id: UUID
    source: str
    title: str
    body: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list of documents."""

    id: UUID
    source: str
    title: str
    chunks: int


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change sequence: a chunk with its embedding, or, without one, a chunk that was deleted."""

    seq: int
    chunk_id: UUID
    embedding: list[float] | None


@dataclass(frozen=True, slots=True)
class Text:
    """One chunk as the keyword index wants it; `text` is None for a chunk that was deleted."""

    seq: int
    chunk_id: UUID
    text: str | None


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """One chunk with the document it belongs to."""

    id: UUID
    document_id: UUID
    title: str
    heading: str
    text: str


def digest(body: str) -> bytes:
    """Return the hash under which a body counts as unchanged: another embedder makes every document new."""
    return hashlib.sha256(f"{embed.NAME}\n{body}".encode()).digest()


async def digests(pool: db.Pool) -> dict[str, bytes]:
    """Return the digest of every stored document by its source."""
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT source, sha256 FROM documents")
        return {row["source"]: bytes(row["sha256"]) async for row in cursor}


async def replace(pool: db.Pool, source: str, body: str, article: Article) -> UUID:
    """Store a document, or the new version of the one from this source, with its chunks; return its id."""
    vectors = [embed.embed(f"{article.title}\n{chunk.heading}\n{chunk.text}") for chunk in article.chunks]
    upsert = """
        INSERT INTO documents (source, title, body, sha256) VALUES (%s, %s, %s, %s)
        ON CONFLICT (source) DO UPDATE
            SET title = EXCLUDED.title, body = EXCLUDED.body, sha256 = EXCLUDED.sha256, updated_at = now()
        RETURNING id
    """
    insert = """
        INSERT INTO chunks (document_id, position, heading, text, embedder, embedding) VALUES (%s, %s, %s, %s, %s, %s)
    """
    async with db.transaction(pool) as conn:
        cursor = await conn.execute(upsert, (source, article.title, body, digest(body)))
        row = await cursor.fetchone()
        document_id = UUID(str((row or {})["id"]))
        await conn.execute("DELETE FROM chunks WHERE document_id = %s", (document_id,))
        await cursor.executemany(
            insert,
            [
                (document_id, position, chunk.heading, chunk.text, embed.NAME, vector)
                for position, (chunk, vector) in enumerate(zip(article.chunks, vectors, strict=True))
            ],
        )
    return document_id


async def delete(pool: db.Pool, document_id: UUID) -> bool:
    """Delete a document with its chunks; tell whether there was one."""
    async with pool.connection() as conn:
        cursor = await conn.execute("DELETE FROM documents WHERE id = %s", (document_id,))
        return cursor.rowcount == 1


async def get(pool: db.Pool, document_id: UUID) -> Document | None:
    """Return the document, None when there is none of that id."""
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT id, source, title, body, updated_at FROM documents WHERE id = %s", (document_id,)
        )
        row = await cursor.fetchone()
    return Document(**row) if row else None


async def listing(pool: db.Pool) -> list[Listed]:
    """Return every document with the number of its chunks, by source."""
    query = """
        SELECT d.id, d.source, d.title, count(c.id) AS chunks
        FROM documents d LEFT JOIN chunks c ON c.document_id = d.id
        GROUP BY d.id ORDER BY d.source
    """
    async with pool.connection() as conn:
        cursor = await conn.execute(query)
        return [Listed(**row) async for row in cursor]


async def chunks(pool: db.Pool, ids: Sequence[UUID]) -> dict[UUID, StoredChunk]:
    """Return the chunks of these ids that exist."""
    query = """
        SELECT c.id, c.document_id, d.title, c.heading, c.text FROM chunks c JOIN documents d ON d.id = c.document_id
        WHERE c.id = ANY(%s)
    """
    async with pool.connection() as conn:
        cursor = await conn.execute(query, (list(ids),))
        return {row["id"]: StoredChunk(**row) async for row in cursor}


async def latest_change(pool: db.Pool) -> int:
    """Return the number of the newest visible change, 0 when there was none."""
    query = """
        SELECT greatest((SELECT max(seq) FROM chunks), (SELECT max(seq) FROM chunk_tombstones), 0) AS seq
    """
    async with pool.connection() as conn:
        cursor = await conn.execute(query)
        return int((await cursor.fetchone() or {"seq": 0})["seq"])


async def changes_after(conn: db.Connection, seq: int, limit: int) -> list[Change]:
    """Return the next changes after `seq`, oldest first."""
    query = """
        SELECT seq, id AS chunk_id, embedding FROM chunks WHERE seq > %(seq)s
        UNION ALL SELECT seq, chunk_id, NULL FROM chunk_tombstones WHERE seq > %(seq)s
        ORDER BY seq LIMIT %(limit)s
    """
    cursor = await conn.execute(query, {"seq": seq, "limit": limit}, binary=True)
    return [Change(**row) async for row in cursor]


async def texts_after(pool: db.Pool, seq: int) -> list[Text]:
    """Return the text of every chunk that came (title, heading and text) or went (None) after `seq`, oldest first."""
    query = """
        SELECT c.seq, c.id AS chunk_id, concat_ws(E'\\n', d.title, c.heading, c.text) AS text
        FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.seq > %(seq)s
        UNION ALL SELECT seq, chunk_id, NULL FROM chunk_tombstones WHERE seq > %(seq)s
        ORDER BY seq
    """
    async with pool.connection() as conn:
        cursor = await conn.execute(query, {"seq": seq})
        return [Text(**row) async for row in cursor]
