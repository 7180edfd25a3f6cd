"""Documents as one tenant sees them: shared ones to read, its own to read, replace and delete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from bongsu.core.errors import BongsuError
from research_assistant import db, documents

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from research_assistant.tenant_runs import Place

READABLE = "(d.tenant IS NULL OR d.tenant = %(tenant)s)"
LISTED = """
    d.id, d.source, d.title, d.tenant, d.uploaded_by, d.updated_at, octet_length(d.body) AS bytes,
    (SELECT count(*) FROM chunks c WHERE c.document_id = d.id) AS chunks
"""


class QuotaError(BongsuError):
    """Refuse a document that the tenant has no room for."""


@dataclass(frozen=True, slots=True)
class Document:
    """One stored document; `body` is its text as it was ingested, `tenant` None for a shared one."""

    id: UUID
    source: str
    title: str
    body: str
    tenant: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list of documents."""

    id: UUID
    source: str
    title: str
    tenant: str | None
    uploaded_by: str | None
    updated_at: datetime
    bytes: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Quota:
    """How much one tenant may keep."""

    documents: int
    bytes: int


def prefix(tenant: str) -> str:
    """Return what the source of every upload of a tenant begins with: two tenants' names can never meet."""
    return f"upload:{quote(tenant, safe='')}/"


def name_of(source: str, tenant: str | None) -> str:
    """Return the name a document is shown under: that of its upload, or where it was ingested from."""
    return source if tenant is None else source.removeprefix(prefix(tenant))


async def get(pool: db.Pool, tenant: str | None, document_id: UUID) -> Document | None:
    """Return the document, None when there is none of that id that the tenant may read (None: shared ones only)."""
    query = f"""
        SELECT d.id, d.source, d.title, d.body, d.tenant, d.updated_at FROM documents d
        WHERE d.id = %(id)s AND {READABLE}
    """  # noqa: S608 - a constant
    async with pool.connection() as conn:
        row = await (await conn.execute(query, {"id": document_id, "tenant": tenant})).fetchone()
    return Document(**row) if row else None


async def page(pool: db.Pool, tenant: str, limit: int, after: Place | None = None) -> list[Listed]:
    """Return the next `limit` documents that the tenant may read, newest first."""
    query = f"""
        SELECT {LISTED} FROM documents d
        WHERE {READABLE} AND (%(at)s::timestamptz IS NULL OR (d.updated_at, d.id) < (%(at)s, %(id)s))
        ORDER BY d.updated_at DESC, d.id DESC LIMIT %(limit)s
    """  # noqa: S608 - constants
    place = {"at": after.at, "id": after.id} if after else {"at": None, "id": None}
    async with pool.connection() as conn:
        cursor = await conn.execute(query, {"tenant": tenant, "limit": limit} | place)
        return [Listed(**row) async for row in cursor]


async def upload(pool: db.Pool, version: documents.Version, quota: Quota) -> Listed:
    """Store a tenant's document, or the new version of the one of this name; return how it is listed.

    Raises QuotaError when the tenant would then have more than its quota. Uploads of one tenant wait for each other, so
    that none of them counts without the others.
    """
    lock = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
    used = """
        SELECT count(*) AS documents, coalesce(sum(octet_length(body)), 0) AS bytes FROM documents
        WHERE tenant = %s AND source <> %s
    """
    listed = f"SELECT {LISTED} FROM documents d WHERE d.id = %s"  # noqa: S608 - a constant
    async with db.transaction(pool) as conn:
        await conn.execute(lock, (f"documents of {version.tenant}",))
        row = await (await conn.execute(used, (version.tenant, version.source))).fetchone() or {}
        size = row["bytes"] + len(version.body.encode())
        if row["documents"] >= quota.documents or size > quota.bytes:
            raise QuotaError(
                f"the tenant may keep {quota.documents} documents of {quota.bytes} bytes in all",
                next="delete some first",
            )
        ids = await documents.store(conn, [version])
        row = await (await conn.execute(listed, (ids[version.source],))).fetchone() or {}
    return Listed(**row)


async def delete(pool: db.Pool, tenant: str, document_id: UUID) -> bool:
    """Delete a document of the tenant's own with its chunks; tell whether there was one."""
    async with pool.connection() as conn:
        query = "DELETE FROM documents WHERE id = %s AND tenant = %s"
        return (await conn.execute(query, (document_id, tenant))).rowcount == 1
