"""Documents and their chunks in PostgreSQL: the source of truth that every derived index follows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg.types.numeric import Int4

from research_assistant import db, vectors
from research_assistant.retrieval import embed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from uuid import UUID

    from research_assistant.retrieval.chunking import Article
    from research_assistant.vectors import Vector


@dataclass(frozen=True, slots=True)
class Version:
    """What is to be stored of one source: its text, the article made of it, and one embedding for each chunk.

    Without a `tenant` everybody may read it.
    """

    source: str
    body: str
    article: Article
    embeddings: Sequence[Vector]
    tenant: str | None = None
    uploaded_by: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a stored document and the hash that was stored with it."""

    source: str
    body: str
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list of documents."""

    id: UUID
    source: str
    title: str
    chunks: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A chunk as a vector index wants it: its embedding, and whose it is (None: everybody's)."""

    embedding: Vector
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change sequence: a chunk and where it belongs, or, with None, a chunk that was deleted."""

    seq: int
    chunk_id: UUID
    placed: Placed | None


@dataclass(frozen=True, slots=True)
class Text:
    """One chunk as the keyword index wants it, and whose it is; `text` is None for a chunk that was deleted."""

    seq: int
    chunk_id: UUID
    text: str | None
    tenant: str | None


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
    return (await replace_all(pool, [Version(source, body, article, embedded(article))]))[source]


def embedded(article: Article) -> list[Vector]:
    """Return the embedding of each chunk of an article."""
    texts = (f"{article.title}\n{chunk.heading}\n{chunk.text}" for chunk in article.chunks)
    return [np.array(embed.embed(text), np.float32) for text in texts]


async def replace_all(pool: db.Pool, versions: Sequence[Version]) -> dict[str, UUID]:
    """Store documents of different sources in one transaction, as `replace` does one; return their ids by source."""
    async with db.transaction(pool) as conn:
        return await store(conn, versions)


async def store(conn: db.Connection, versions: Sequence[Version]) -> dict[str, UUID]:
    """Store documents of different sources in the transaction of `conn`; return their ids by source."""
    upsert = """
        INSERT INTO documents (source, title, body, sha256, tenant, uploaded_by)
        SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bytea[], %s::text[], %s::text[])
        ON CONFLICT (source) DO UPDATE SET title = EXCLUDED.title, body = EXCLUDED.body, sha256 = EXCLUDED.sha256,
            tenant = EXCLUDED.tenant, uploaded_by = EXCLUDED.uploaded_by, updated_at = now()
        RETURNING id, source
    """
    rows = [
        (one.source, one.article.title, one.body, digest(one.body), one.tenant, one.uploaded_by) for one in versions
    ]
    insert = "COPY chunks (document_id, position, heading, text, embedder, embedding) FROM STDIN (FORMAT BINARY)"
    cursor = conn.cursor()
    vectors.register(cursor)
    await cursor.execute(upsert, [list(column) for column in zip(*rows, strict=True)])
    ids: dict[str, UUID] = {row["source"]: row["id"] async for row in cursor}
    await cursor.execute("DELETE FROM chunks WHERE document_id = ANY(%s)", (list(ids.values()),))
    async with cursor.copy(insert) as copy:
        for version in versions:
            pairs = zip(version.article.chunks, version.embeddings, strict=True)
            for position, (chunk, vector) in enumerate(pairs):
                place = (ids[version.source], Int4(position))
                await copy.write_row((*place, chunk.heading, chunk.text, embed.NAME, vector))
    return ids


async def delete(pool: db.Pool, document_id: UUID) -> bool:
    """Delete a document with its chunks; tell whether there was one."""
    async with pool.connection() as conn:
        cursor = await conn.execute("DELETE FROM documents WHERE id = %s", (document_id,))
        return cursor.rowcount == 1


async def bodies(conn: db.Connection, prefix: str) -> AsyncIterator[Body]:
    """Yield the text of every document whose source begins with `prefix`; needs a connection in a transaction."""
    query = "SELECT source, body, sha256 FROM documents WHERE starts_with(source, %s)"
    async with conn.cursor("bodies") as cursor:
        await cursor.execute(query, (prefix,), binary=True)
        async for row in cursor:
            yield Body(**row)


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


async def chunks(pool: db.Pool, ids: Sequence[UUID], tenant: str | None) -> dict[UUID, StoredChunk]:
    """Return the chunks of these ids that exist and that the tenant may read: shared ones and its own.

    Whatever the indexes have ranked, this is the wall: no text passes it for another tenant.
    """
    query = """
        SELECT c.id, c.document_id, d.title, c.heading, c.text FROM chunks c JOIN documents d ON d.id = c.document_id
        WHERE c.id = ANY(%s) AND (d.tenant IS NULL OR d.tenant = %s)
    """
    async with pool.connection() as conn:
        cursor = await conn.execute(query, (list(ids), tenant))
        return {row["id"]: StoredChunk(**row) async for row in cursor}


async def chunk_sources(conn: db.Connection, prefix: str) -> list[tuple[UUID, str]]:
    """Return each chunk of the documents whose source begins with `prefix`, with that source."""
    query = """
        SELECT c.id, d.source FROM chunks c JOIN documents d ON d.id = c.document_id WHERE starts_with(d.source, %s)
    """
    cursor = await conn.execute(query, (prefix,))
    return [(row["id"], row["source"]) async for row in cursor]


async def id_of(pool: db.Pool, source: str) -> UUID | None:
    """Return the id of the document from this source, None when there is none."""
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT id FROM documents WHERE source = %s", (source,))
        row = await cursor.fetchone()
    return row["id"] if row else None


async def latest_change(pool: db.Pool) -> int:
    """Return the number of the newest visible change, 0 when there was none."""
    async with pool.connection() as conn:
        return await latest_change_in(conn)


async def latest_change_in(conn: db.Connection) -> int:
    """Return the number of the newest change that this connection sees, 0 when there was none."""
    query = """
        SELECT greatest((SELECT max(seq) FROM chunks), (SELECT max(seq) FROM chunk_tombstones), 0) AS seq
    """
    cursor = await conn.execute(query)
    return int((await cursor.fetchone() or {"seq": 0})["seq"])


async def changes_after(conn: db.Connection, seq: int, limit: int) -> list[Change]:
    """Return the next changes after `seq`, oldest first."""
    query = """
        SELECT c.seq, c.id, c.embedding, d.tenant FROM chunks c JOIN documents d ON d.id = c.document_id
        WHERE c.seq > %(seq)s
        UNION ALL SELECT seq, chunk_id, NULL, NULL FROM chunk_tombstones WHERE seq > %(seq)s
        ORDER BY seq LIMIT %(limit)s
    """
    cursor = conn.cursor(binary=True)
    vectors.register(cursor)
    await cursor.execute(query, {"seq": seq, "limit": limit})
    return [Change(row["seq"], row["id"], _placed(row)) async for row in cursor]


async def embeddings(conn: db.Connection, limit: int, *, prefix: str = "") -> AsyncIterator[dict[UUID, Placed]]:
    """Yield every chunk of the documents whose source begins with `prefix` as an index should hold it.

    `limit` at a time. Needs a connection in a transaction: the rows stay at the server until they are asked for.
    """
    query = "SELECT c.id, c.embedding, d.tenant FROM chunks c JOIN documents d ON d.id = c.document_id"
    some = f"{query} WHERE starts_with(d.source, %s)"
    async with conn.cursor("embeddings") as cursor:
        vectors.register(cursor)
        await cursor.execute(some if prefix else query, (prefix,) if prefix else None, binary=True)
        while rows := await cursor.fetchmany(limit):
            yield {row["id"]: Placed(row["embedding"], row["tenant"]) for row in rows}


async def embeddings_of(conn: db.Connection, ids: Sequence[UUID]) -> dict[UUID, Placed]:
    """Return those of these chunks that exist, as an index should hold them."""
    query = """
        SELECT c.id, c.embedding, d.tenant FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.id = ANY(%s)
    """
    cursor = conn.cursor(binary=True)
    vectors.register(cursor)
    await cursor.execute(query, (list(ids),))
    return {row["id"]: Placed(row["embedding"], row["tenant"]) async for row in cursor}


def _placed(row: dict[str, Any]) -> Placed | None:
    return None if row["embedding"] is None else Placed(row["embedding"], row["tenant"])


async def texts_after(pool: db.Pool, seq: int) -> list[Text]:
    """Return the text of every chunk that came (title, heading and text) or went (None) after `seq`, oldest first."""
    query = """
        SELECT c.seq, c.id AS chunk_id, concat_ws(E'\\n', d.title, c.heading, c.text) AS text, d.tenant
        FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.seq > %(seq)s
        UNION ALL SELECT seq, chunk_id, NULL, NULL FROM chunk_tombstones WHERE seq > %(seq)s
        ORDER BY seq
    """
    async with pool.connection() as conn:
        cursor = await conn.execute(query, {"seq": seq})
        return [Text(**row) async for row in cursor]
