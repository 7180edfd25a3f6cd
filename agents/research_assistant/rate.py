"""How many requests a tenant may make: one row of the database for each tenant, so that every API process agrees.

Generic cell rate algorithm: `due` is when the next request would come at exactly the allowed rate. A request is taken
while `due` lies less than the burst ahead of now, and moves it on by one interval. One statement: requests of a tenant
wait for the row, so that the limit holds exactly however many processes take them (docs/adr/0024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from research_assistant import db

BURST_SECONDS = 10.0
"""What a tenant that was quiet may ask at once: its allowance of so many seconds, and at least one request."""

_LIMIT = "coalesce((SELECT requests_per_minute FROM tenants WHERE name = %(tenant)s), %(default)s)"
_TAKE = f"""
    WITH allowed AS (SELECT make_interval(secs => 60.0 / {_LIMIT}) AS gap)
    INSERT INTO rate_limits AS held (tenant, due) SELECT %(tenant)s, clock_timestamp() + gap FROM allowed
    ON CONFLICT (tenant) DO UPDATE SET due = greatest(held.due, clock_timestamp()) + (SELECT gap FROM allowed)
    WHERE held.due + (SELECT gap FROM allowed)
        <= clock_timestamp() + greatest(make_interval(secs => %(burst)s), (SELECT gap FROM allowed))
    RETURNING due
"""  # noqa: S608 - constants
_WAIT = f"""
    SELECT extract(epoch FROM due + make_interval(secs => 60.0 / {_LIMIT}) - clock_timestamp()
        - greatest(make_interval(secs => %(burst)s), make_interval(secs => 60.0 / {_LIMIT})))::float8 AS seconds
    FROM rate_limits WHERE tenant = %(tenant)s
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The limit of every tenant: its row in `tenants`, or `per_minute`."""

    pool: db.Pool
    per_minute: int
    burst_seconds: float = BURST_SECONDS

    async def take(self, tenant: str) -> float:
        """Count a request; return 0 when it may be made, else after how many seconds the next one may."""
        values = {"tenant": tenant, "default": self.per_minute, "burst": self.burst_seconds}
        async with self.pool.connection() as conn:
            if await (await conn.execute(_TAKE, values)).fetchone():
                return 0.0
            row = await (await conn.execute(_WAIT, values)).fetchone()
        return max(0.001, float(row["seconds"])) if row else 0.001
