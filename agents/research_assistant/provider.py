"""Which LLM endpoint is active: one row, read on each call, so that a switch counts at once for every worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from bongsu.core.errors import StateError, UsageError

if TYPE_CHECKING:
    from research_assistant.db import Pool

Endpoint = Literal["primary", "secondary"]
ENDPOINTS: tuple[Endpoint, ...] = get_args(Endpoint)


async def active(pool: Pool) -> Endpoint:
    """Return the endpoint that calls go to now."""
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT endpoint FROM provider_choice")
        row = await cursor.fetchone()
    for endpoint in ENDPOINTS:
        if row and row["endpoint"] == endpoint:
            return endpoint
    raise StateError(
        "no LLM endpoint is chosen", where="table provider_choice", next="run `research-assistant migrate`"
    )


async def switch(pool: Pool, to: str) -> None:
    """Send every call from now on to `to`, in all processes."""
    if to not in ENDPOINTS:
        raise UsageError(
            f"{to!r} is not an LLM endpoint", where="provider switch", next=f"choose {' or '.join(ENDPOINTS)}"
        )
    async with pool.connection() as conn:
        await conn.execute("UPDATE provider_choice SET endpoint = %s, changed_at = now()", (to,))
