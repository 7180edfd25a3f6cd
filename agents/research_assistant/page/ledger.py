"""What the page reads of the database itself, of runs that the API has shown to the caller: their events and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research_assistant.page.timeline import Moment

if TYPE_CHECKING:
    from research_assistant.db import Pool


async def moments(pool: Pool, run_id: str) -> list[Moment]:
    """Return the events of a run, oldest first."""
    query = "SELECT event, coalesce(node, '') AS node, at FROM run_events WHERE run_id = %s ORDER BY id"
    async with pool.connection() as conn:
        cursor = await conn.execute(query, (run_id,))
        return [Moment(**row) async for row in cursor]


async def usd(pool: Pool, run_id: str) -> float:
    """Return what the run's calls of language models have cost so far."""
    query = "SELECT coalesce(sum(usd), 0)::float8 AS usd FROM llm_usage WHERE run_id = %s"
    async with pool.connection() as conn:
        row = await (await conn.execute(query, (run_id,))).fetchone()
    return float(row["usd"]) if row else 0.0
