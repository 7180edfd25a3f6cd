"""The limits of tenants that differ from the configured ones; every process reads them with each request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.core.errors import UsageError

if TYPE_CHECKING:
    from research_assistant.db import Pool


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one tenant; None is the configured default."""

    name: str
    requests_per_minute: int | None
    concurrency: int | None


async def put(pool: Pool, limits: Limits) -> None:
    """Store the limits of a tenant in place of its earlier ones; raise UsageError for one that is not positive."""
    for what, value in (("--requests-per-minute", limits.requests_per_minute), ("--concurrency", limits.concurrency)):
        if value is not None and value < 1:
            raise UsageError(f"{value} is no limit", where=what, next="give 1 or more")
    if not limits.name.strip():
        raise UsageError(
            "the tenant has no name", where="tenants set", next="`research-assistant keys list` shows them"
        )
    query = """
        INSERT INTO tenants (name, requests_per_minute, concurrency) VALUES (%s, %s, %s) ON CONFLICT (name)
        DO UPDATE SET requests_per_minute = EXCLUDED.requests_per_minute, concurrency = EXCLUDED.concurrency
    """
    async with pool.connection() as conn:
        await conn.execute(query, (limits.name, limits.requests_per_minute, limits.concurrency))


async def listing(pool: Pool) -> list[Limits]:
    """Return the limits of every tenant that has its own, by name."""
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT name, requests_per_minute, concurrency FROM tenants ORDER BY name")
        return [Limits(**row) async for row in cursor]
