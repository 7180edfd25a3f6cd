"""Feedback: what a tenant's callers think of its answers; each caller has one word on each run and may change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from research_assistant import db
    from research_assistant.keys import Caller

MOST = 100


@dataclass(frozen=True, slots=True)
class Feedback:
    """One caller's word on one run: a score of 1 to 5, and text."""

    run_id: UUID
    owner: str
    score: int
    text: str
    at: datetime


async def put(pool: db.Pool, caller: Caller, run_id: UUID, score: int, text: str) -> Feedback | None:
    """Store or replace the caller's word on a run; None when its tenant has no such run."""
    query = """
        INSERT INTO feedback (run_id, tenant, owner, score, text)
        SELECT id, %(tenant)s, %(owner)s, %(score)s, %(text)s FROM runs
        WHERE id = %(run)s AND coalesce(tenant, owner) = %(tenant)s
        ON CONFLICT (run_id, owner) DO UPDATE SET score = EXCLUDED.score, text = EXCLUDED.text, at = now()
        WHERE feedback.tenant = EXCLUDED.tenant
        RETURNING run_id, owner, score, text, at
    """
    values = {"tenant": caller.tenant, "owner": caller.name, "score": score, "text": text, "run": run_id}
    async with pool.connection() as conn:
        row = await (await conn.execute(query, values)).fetchone()
    return Feedback(**row) if row else None


async def of_run(pool: db.Pool, tenant: str, run_id: UUID) -> list[Feedback]:
    """Return the newest MOST words of the tenant's callers on a run, newest first."""
    query = """
        SELECT run_id, owner, score, text, at FROM feedback WHERE run_id = %s AND tenant = %s
        ORDER BY at DESC, owner LIMIT %s
    """
    async with pool.connection() as conn:
        return [Feedback(**row) async for row in await conn.execute(query, (run_id, tenant, MOST))]
