"""How long taking a job takes while others wait: `python -m bench.taking_speed`.

10,000 runs of one tenant wait in a throwaway PostgreSQL. First jobs of that tenant are taken, then the worst case: it
is at its limit, and its whole backlog stands before the one run of another tenant.
Bar: at most 100 ms at the 95th percentile.
"""

from __future__ import annotations

import asyncio
import sys
import time
from uuid import uuid4

from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.types import QueueEntrypoint, QueueManagerId
from research_assistant import db, migrate, queue, runs
from research_assistant.settings import Settings

from bench.support.figures import Figures
from bench.support.violence import percentile
from tests.real.support.pg import postgres

WAITING, TAKES, BAR_MS = 10_000, 50, 100.0
FILL = """
    WITH made AS (
        INSERT INTO runs (id, owner, tenant, priority, question)
        SELECT gen_random_uuid(), 'greedy', 'greedy', 'batch', 'q' FROM generate_series(1, %s) RETURNING id)
    INSERT INTO pgqueuer (priority, entrypoint, payload, execute_after, dedupe_key, headers, status)
    SELECT 0, 'run', convert_to(id::text, 'UTF8'), now(), id::text, '{"tenant": "greedy"}', 'queued' FROM made
"""


async def measure(settings: Settings) -> dict[str, list[float]]:
    """Return the milliseconds of each take: below the limit, and with a whole backlog at its limit in front."""
    async with await db.open_pool(settings, max_size=queue.POOL_SIZE) as pool:
        async with pool.connection() as conn:
            await conn.execute(FILL, (WAITING,))
            await conn.execute("ANALYZE")
        queries = queue.OwnedQueries(
            queue.PatientDriver(pool, settings.database_url, asyncio.Event()), owner=QueueManagerId(uuid4())
        )
        queries.slots, queries.tenant_limit = WAITING, 0
        free = [await take(queries) for _ in range(TAKES)]
        queries.tenant_limit = 1
        behind = []
        for _ in range(TAKES):
            await runs.submit(pool, runs.Order("q", "other", f"other-{uuid4()}", "batch"))
            behind.append(await take(queries))
        async with pool.connection() as conn:
            left = await (await conn.execute("SELECT count(*) AS n FROM pgqueuer WHERE status = 'queued'")).fetchone()
    if left is None or left["n"] != WAITING - TAKES:
        raise RuntimeError(f"took the wrong jobs: {left} are left")
    return {"below its limit": free, "behind a backlog at its limit": behind}


async def take(queries: queue.OwnedQueries) -> float:
    """Take one job; return how many milliseconds it took."""
    began = time.perf_counter()
    places = EntrypointExecutionParameter(0)
    entrypoints = {QueueEntrypoint(queue.ENTRYPOINT): places}
    jobs = await queries.dequeue(1, entrypoints, QueueManagerId(uuid4()), None, queries.lease)
    if len(jobs) != 1:
        raise RuntimeError("there was no job to take")
    return 1000 * (time.perf_counter() - began)


def run() -> int:
    """Measure and print the verdict."""
    with postgres() as server:
        settings = Settings.from_env({"DATABASE_URL": server.create_database("taking")}, needs=())
        migrate.migrate(settings)
        times = asyncio.run(measure(settings))
    figures = Figures()
    for what, taken in times.items():
        p95 = percentile(taken, 0.95)
        said = f"p50 {percentile(taken, 0.5):.1f} ms, p95 {p95:.1f} ms"
        figures.bar(f"a job of {WAITING} waiting, {what}", said, f"p95 at most {BAR_MS:g} ms", good=p95 <= BAR_MS)
    return figures.code()


if __name__ == "__main__":
    sys.exit(run())
