"""The dead letters: runs that failed for good, with what happened to them. Taking one back is runs.replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

    from research_assistant.db import Pool


async def newest(pool: Pool, *, kind: str | None = None, limit: int | None = None) -> list[dict[str, Any]]:
    """Return the newest dead letters first: id, finished_at, tenant, priority, tries, error_kind, detail, question."""
    query = """
        SELECT id, finished_at, coalesce(tenant, owner) AS tenant, priority, tries, error_kind, error_detail, question
        FROM runs WHERE state = 'failed' AND (%(kind)s::text IS NULL OR error_kind = %(kind)s)
        ORDER BY finished_at DESC, id LIMIT %(limit)s
    """
    async with pool.connection() as conn:
        return await (await conn.execute(query, {"kind": kind, "limit": limit})).fetchall()


async def history(pool: Pool, run_id: UUID) -> list[dict[str, Any]]:
    """Return the run's ledger, oldest first: at, event, node, fence, worker, detail."""
    query = "SELECT at, event, node, fence, worker, detail FROM run_events WHERE run_id = %s ORDER BY id"
    async with pool.connection() as conn:
        return await (await conn.execute(query, (run_id,))).fetchall()
