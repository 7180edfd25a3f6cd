"""What one tenant used, day by day: runs, tokens, USD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

    from research_assistant import db


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the time zone that was asked for; spending counts on the day of the call."""

    day: date
    runs: int
    done: int
    failed: int
    input_tokens: int
    output_tokens: int
    usd: float


async def by_day(pool: db.Pool, tenant: str, days: int, zone: ZoneInfo) -> list[Day]:
    """Return the tenant's last `days` days, today included, newest first; days without use are absent."""
    query = """
        WITH since AS (
            SELECT (date_trunc('day', now() AT TIME ZONE %(zone)s) - make_interval(days => %(days)s - 1))
                AT TIME ZONE %(zone)s AS at
        ), asked AS (
            SELECT (submitted_at AT TIME ZONE %(zone)s)::date AS day, count(*) AS runs,
                count(*) FILTER (WHERE state = 'done') AS done, count(*) FILTER (WHERE state = 'failed') AS failed
            FROM runs, since WHERE coalesce(tenant, owner) = %(tenant)s AND submitted_at >= since.at GROUP BY 1
        ), spent AS (
            SELECT (u.at AT TIME ZONE %(zone)s)::date AS day, sum(input_tokens) AS input_tokens,
                sum(output_tokens) AS output_tokens, sum(usd) AS usd
            FROM llm_usage u, since WHERE u.tenant = %(tenant)s AND u.at >= since.at GROUP BY 1
        )
        SELECT day, coalesce(runs, 0) AS runs, coalesce(done, 0) AS done, coalesce(failed, 0) AS failed,
            coalesce(input_tokens, 0)::bigint AS input_tokens, coalesce(output_tokens, 0)::bigint AS output_tokens,
            coalesce(usd, 0)::float8 AS usd
        FROM asked FULL JOIN spent USING (day) ORDER BY day DESC
    """
    values = {"tenant": tenant, "days": days, "zone": zone.key}
    async with pool.connection() as conn:
        return [Day(**row) async for row in await conn.execute(query, values)]
