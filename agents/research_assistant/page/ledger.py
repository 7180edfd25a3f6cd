"""What the page reads of the database itself, of runs that the API has shown to the caller: their events and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research_assistant.api import streams
from research_assistant.page.timeline import Moment

if TYPE_CHECKING:
    from uuid import UUID

    from research_assistant.db import Pool


async def moments(pool: Pool, run_id: UUID) -> list[Moment]:
    """Return the events of a run so far, oldest first."""
    found = await streams.rows(pool, {run_id: 0}, settled=0)
    return [Moment(event.event, event.node or "", event.at) for event in found.get(run_id, [])]


async def usd(pool: Pool, run_id: UUID) -> float:
    """Return what the run's calls of language models have cost so far."""
    query = "SELECT coalesce(sum(usd), 0)::float8 AS usd FROM llm_usage WHERE run_id = %s"
    async with pool.connection() as conn:
        row = await (await conn.execute(query, (run_id,))).fetchone()
    return float(row["usd"]) if row else 0.0
