"""The usage ledger: what each LLM call cost, and when the budget's day began."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from research_assistant.settings import SECONDS_PER_DAY

if TYPE_CHECKING:
    from uuid import UUID
    from zoneinfo import ZoneInfo

    from research_assistant.db import Pool


async def record(  # noqa: PLR0917 - one argument a column of the ledger
    pool: Pool, run_id: UUID | None, endpoint: str, model: str, input_tokens: int, output_tokens: int, usd: float
) -> None:
    """Add one LLM call to the ledger, on the run's tenant; `run_id` is None outside a run (ingest).

    A node that ran twice was paid twice.
    """
    query = """
        INSERT INTO llm_usage (run_id, tenant, endpoint, model, input_tokens, output_tokens, usd)
        VALUES (%(run)s, (SELECT coalesce(tenant, owner) FROM runs WHERE id = %(run)s), %(endpoint)s, %(model)s,
            %(input)s, %(output)s, %(usd)s)
    """
    spent = {"input": input_tokens, "output": output_tokens, "usd": usd}
    async with pool.connection() as conn:
        await conn.execute(query, {"run": run_id, "endpoint": endpoint, "model": model} | spent)


async def spent_since(pool: Pool, instant: datetime) -> float:
    """Return the spend since `instant` (aware) in USD."""
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT coalesce(sum(usd), 0)::float8 AS usd FROM llm_usage WHERE at >= %s", (instant,)
        )
        row = await cursor.fetchone()
    return float(row["usd"]) if row else 0.0


def budget_day_start(now: datetime, timezone: ZoneInfo, day_seconds: float = SECONDS_PER_DAY) -> datetime:
    """Return the instant (UTC) at which the budget's day that holds `now` (aware) began.

    A full day begins at midnight of `timezone`, so it lasts 23 or 25 hours when the clocks change; where they skip
    midnight it begins when they do. A shorter day, as proofs inject it, is counted in real seconds from that midnight.
    """
    local = now.astimezone(timezone)
    midnight = datetime(local.year, local.month, local.day, tzinfo=timezone).astimezone(UTC)
    if day_seconds >= SECONDS_PER_DAY:
        return midnight
    elapsed = now.astimezone(UTC) - midnight
    days = elapsed // timedelta(seconds=day_seconds)
    return midnight + days * timedelta(seconds=day_seconds)
