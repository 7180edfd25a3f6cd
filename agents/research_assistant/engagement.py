"""How much and how gladly the service is used: users, sessions, scores; counts only, read from the database."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.telemetry import metrics as m

if TYPE_CHECKING:
    from research_assistant.db import Pool

WORST, BEST = 1, 5

QUERY = """
SELECT
    (SELECT count(DISTINCT owner) FROM runs WHERE submitted_at > now() - interval '1 hour') AS users_hour,
    (SELECT count(DISTINCT owner) FROM runs WHERE submitted_at > now() - interval '24 hours') AS users_day,
    (SELECT avg(score)::float8 FROM feedback WHERE at > now() - interval '7 days') AS score,
    (SELECT count(*) FROM sessions WHERE last_at > now() - interval '30 minutes') AS sessions_active,
    (SELECT avg(extract(epoch FROM last_at - started_at))::float8
        FROM sessions WHERE last_at > now() - interval '1 day') AS session_seconds,
    (SELECT avg(runs.count)::float8 FROM (
        SELECT count(*) FROM runs JOIN sessions ON sessions.id = runs.session_id
        WHERE sessions.last_at > now() - interval '1 day' GROUP BY runs.session_id) AS runs) AS session_runs,
    (SELECT count(*)::float8 FROM pg_stat_activity) / current_setting('max_connections')::float8 AS server_used
"""


@dataclass(frozen=True, slots=True)
class Engagement:
    """One reading; what has no value yet (no score, no session) is NaN. `satisfaction` lies between 0 and 1."""

    users_hour: float
    users_day: float
    satisfaction: float
    sessions_active: float
    session_seconds: float
    session_runs: float
    server_used: float


async def read(pool: Pool) -> Engagement:
    """Read users, scores, sessions and the used share of the server's connections."""
    async with pool.connection() as conn:
        row = await (await conn.execute(QUERY)).fetchone() or {}
    score = row.pop("score")
    values = {name: math.nan if value is None else float(value) for name, value in row.items()}
    return Engagement(satisfaction=math.nan if score is None else satisfaction(score), **values)


async def runs_running(pool: Pool) -> float:
    """Return how many runs a worker has claimed and not ended."""
    async with pool.connection() as conn:
        row = await (await conn.execute("SELECT count(*) AS running FROM runs WHERE state = 'running'")).fetchone()
    return float(row["running"]) if row else 0.0


def satisfaction(score: float) -> float:
    """Return a mean score as a ratio: 0 when all were the worst, 1 when all were the best."""
    return (score - WORST) / (BEST - WORST)


def scored(score: int) -> None:
    """Count one answer that a user scored; for the endpoint that takes feedback."""
    m.feedback.labels(str(score)).inc()
