"""Sessions: questions that follow one another; each sees the last turns before it, cut to a bounded length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from research_assistant import db
    from research_assistant.runs import Run
    from research_assistant.state import Turn

TURNS = 3
MAX_QUESTION_CHARS, MAX_ANSWER_CHARS = 500, 1_000
"""Of one earlier turn in a prompt: three of them are about 1,100 tokens."""


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation of one tenant; `last_at` is when it was last asked something."""

    id: UUID
    tenant: str
    owner: str
    started_at: datetime
    last_at: datetime


MINE = "tenant = %(tenant)s"
COLUMNS = "id, tenant, owner, started_at, last_at"


async def create(pool: db.Pool, tenant: str, owner: str) -> Session:
    """Begin a session."""
    query = f"INSERT INTO sessions (tenant, owner) VALUES (%s, %s) RETURNING {COLUMNS}"  # noqa: S608 - a constant
    async with pool.connection() as conn:
        row = await (await conn.execute(query, (tenant, owner))).fetchone() or {}
    return Session(**row)


async def get(pool: db.Pool, tenant: str, session_id: UUID) -> Session | None:
    """Return the session, None when the tenant has none of that id."""
    query = f"SELECT {COLUMNS} FROM sessions WHERE id = %(id)s AND {MINE}"  # noqa: S608 - constants
    async with pool.connection() as conn:
        row = await (await conn.execute(query, {"id": session_id, "tenant": tenant})).fetchone()
    return Session(**row) if row else None


async def touch(pool: db.Pool, tenant: str, session_id: UUID) -> bool:
    """Note that the session is asked something now; tell whether the tenant has one of that id."""
    query = f"UPDATE sessions SET last_at = now() WHERE id = %(id)s AND {MINE}"  # noqa: S608 - a constant
    async with pool.connection() as conn:
        return (await conn.execute(query, {"id": session_id, "tenant": tenant})).rowcount == 1


async def given(pool: db.Pool, run: Run) -> dict[str, Any]:
    """Return what the graph is given for a run: its question, its tenant and the turns before it."""
    return {"question": run.question, "tenant": run.tenant, "history": await turns(pool, run)}


async def turns(pool: db.Pool, run: Run) -> list[Turn]:
    """Return the last answered turns of the run's session before it, oldest first; none outside a session."""
    if run.session_id is None:
        return []
    query = """
        SELECT question, answer FROM runs
        WHERE session_id = %s AND state = 'done' AND submitted_at < %s AND coalesce(tenant, owner) = %s
        ORDER BY submitted_at DESC LIMIT %s
    """
    async with pool.connection() as conn:
        cursor = await conn.execute(query, (run.session_id, run.submitted_at, run.tenant, TURNS))
        found = await cursor.fetchall()
    return [
        {"question": row["question"][:MAX_QUESTION_CHARS], "answer": row["answer"][:MAX_ANSWER_CHARS]}
        for row in reversed(found)
    ]
