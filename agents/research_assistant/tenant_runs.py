"""Runs as one tenant sees them: every read names the tenant, so that no caller can forget it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from research_assistant.runs import COLUMNS, Run

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from research_assistant import db
    from research_assistant.keys import Caller

MINE = "coalesce(tenant, owner) = %(tenant)s"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a list ended: time and id of its last row."""

    at: datetime
    id: UUID


async def get(pool: db.Pool, tenant: str, run_id: UUID) -> Run | None:
    """Return the run, None when the tenant has none of that id."""
    query = f"SELECT {COLUMNS} FROM runs WHERE id = %(id)s AND {MINE}"  # noqa: S608 - constants
    async with pool.connection() as conn:
        row = await (await conn.execute(query, {"tenant": tenant, "id": run_id})).fetchone()
    return Run(**row) if row else None


async def by_key(pool: db.Pool, caller: Caller, idempotency_key: str | None) -> UUID | None:
    """Return the run that the caller's idempotency key already gave, None for a new key or none."""
    if idempotency_key is None:
        return None
    query = "SELECT id FROM runs WHERE owner = %s AND idempotency_key = %s"
    async with pool.connection() as conn:
        row = await (await conn.execute(query, (caller.name, idempotency_key))).fetchone()
    return row["id"] if row else None


async def page(
    pool: db.Pool, tenant: str, limit: int, after: Place | None = None, session_id: UUID | None = None
) -> list[Run]:
    """Return the tenant's next `limit` runs, newest first, of all sessions or of one."""
    query = f"""
        SELECT {COLUMNS} FROM runs
        WHERE {MINE} AND (%(session)s::uuid IS NULL OR session_id = %(session)s)
            AND (%(at)s::timestamptz IS NULL OR (submitted_at, id) < (%(at)s, %(id)s))
        ORDER BY submitted_at DESC, id DESC LIMIT %(limit)s
    """  # noqa: S608 - constants
    place = {"at": after.at, "id": after.id} if after else {"at": None, "id": None}
    values = {"tenant": tenant, "session": session_id, "limit": limit} | place
    async with pool.connection() as conn:
        return [Run(**row) async for row in await conn.execute(query, values)]
