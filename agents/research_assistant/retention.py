"""Delete what is older than its retention: in small transactions, by one process at a time (docs/jobs.md).

Nothing that is under way is touched, and a dead letter keeps what a replay needs.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from bongsu.telemetry import metrics as m

if TYPE_CHECKING:
    from collections.abc import Mapping

    from research_assistant import db
    from research_assistant.settings import Retention

log = logging.getLogger(__name__)

BATCH = 500
LOCK_KEY = 0x626F6E677375_02  # next to the keys of migrations and of takers

_OLD = "now() - make_interval(secs => %(days)s * 86400)"
_FINAL = f"SELECT id, id::text AS thread_id FROM runs WHERE finished_at < {_OLD}"  # noqa: S608 - constants, as below
_OLDEST_FIRST = "ORDER BY finished_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED"  # locked: nobody replays it meanwhile
_CHECKPOINTED = "EXISTS (SELECT FROM checkpoints c WHERE c.thread_id = runs.id::text)"
_CHECKPOINTS_GONE = ", ".join(
    f"{table} AS (DELETE FROM {name} WHERE thread_id IN (SELECT thread_id FROM chosen) RETURNING 1)"  # noqa: S608
    for table, name in (("writes", "checkpoint_writes"), ("blobs", "checkpoint_blobs"), ("points", "checkpoints"))
)


def _old(table: str, time: str, more: str = "") -> str:
    """Return the statement that deletes a batch of the rows of a table that are older than their days."""
    chosen = f"SELECT id FROM {table} WHERE {time} < {_OLD} {more} LIMIT %(batch)s"  # noqa: S608
    return f"DELETE FROM {table} WHERE id IN ({chosen})"  # noqa: S608


STATEMENTS: Mapping[str, str] = {
    "checkpoints": f"""
        WITH chosen AS ({_FINAL} AND state IN ('done', 'cancelled') AND {_CHECKPOINTED} {_OLDEST_FIRST}),
        {_CHECKPOINTS_GONE}
        SELECT FROM writes UNION ALL SELECT FROM blobs UNION ALL SELECT FROM points
    """,  # noqa: S608
    "run_events": _old("run_events", "at", "AND (SELECT finished_at FROM runs WHERE id = run_id) IS NOT NULL"),
    "feedback": _old("feedback", "at"),
    # A run's ledger and feedback go with it by their references; its checkpoints know it by name only.
    "runs": f"""
        WITH chosen AS ({_FINAL} {_OLDEST_FIRST}), {_CHECKPOINTS_GONE}
        DELETE FROM runs WHERE id IN (SELECT id FROM chosen)
    """,  # noqa: S608
    "usage": _old("llm_usage", "at"),
    "sessions": _old("sessions", "last_at"),
    "queue_log": _old("pgqueuer_log", "created"),
}
"""Per kind the statement of one batch; its row count says whether there may be more."""


async def prune(pool: db.Pool, retention: Retention) -> dict[str, int] | None:
    """Delete all that is too old; return the rows deleted of each kind, None when another process is at it."""
    async with pool.connection() as conn:
        row = await (await conn.execute("SELECT pg_try_advisory_lock(%s) AS got", (LOCK_KEY,))).fetchone()
        if not row or not row["got"]:
            return None
        try:
            return {what: await _prune_kind(conn, what, days) for what, days in asdict(retention).items()}
        finally:
            await conn.execute("SELECT pg_advisory_unlock(%s)", (LOCK_KEY,))


async def _prune_kind(conn: db.Connection, what: str, days: float) -> int:
    """Delete the old rows of one kind, batch by batch."""
    pruned, more = 0, days > 0
    while more:
        last = (await conn.execute(STATEMENTS[what], {"days": days, "batch": BATCH})).rowcount
        pruned += last
        more = last > 0
        m.rows_pruned.labels(what).inc(last)
    if pruned:
        log.info("deleted %d rows of %s older than %g days", pruned, what, days)
    return pruned
