"""The queue's corrections on a real database: a job belongs to its newest owner, statements outlive the server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import pytest
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.types import QueueEntrypoint, QueueManagerId
from research_assistant import db, migrate, queue, runs, taking
from research_assistant.settings import Settings

from tests.real.support.pg import Postgres, postgres
from tests.real.support.waiting import until_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pgqueuer.models import Job


@pytest.fixture(scope="module")
def settings(server: Postgres) -> Settings:
    made = Settings.from_env({"DATABASE_URL": server.create_database("queue")}, needs=())
    migrate.migrate(made)
    return made


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[db.Pool]:
    async with await db.open_pool(settings, max_size=queue.POOL_SIZE) as opened:
        yield opened


def worker(pool: db.Pool, settings: Settings) -> queue.OwnedQueries:
    driver = queue.PatientDriver(pool, settings.database_url, asyncio.Event())
    return queue.OwnedQueries(driver, owner=QueueManagerId(uuid4()))


async def look(queries: queue.OwnedQueries) -> list[Job]:
    assert queries.owner is not None
    return await queries.dequeue(
        batch_size=1,
        entrypoints={QueueEntrypoint(queue.ENTRYPOINT): EntrypointExecutionParameter(0)},
        queue_manager_id=queries.owner,
        global_concurrency_limit=None,
        heartbeat_timeout=timedelta(minutes=1),
    )


async def take(queries: queue.OwnedQueries) -> Job:
    (job,) = await look(queries)
    return job


async def job_row(pool: db.Pool) -> dict[str, Any] | None:
    async with pool.connection() as conn:
        return await (await conn.execute("SELECT status::text, queue_manager_id, heartbeat FROM pgqueuer")).fetchone()


async def test_a_worker_that_lost_its_job_can_neither_renew_nor_give_back_nor_remove_it(
    pool: db.Pool, settings: Settings
) -> None:
    stalled, successor = worker(pool, settings), worker(pool, settings)
    await runs.submit(pool, runs.Order("why?", "me", "me"))
    job = await take(stalled)
    async with pool.connection() as conn:
        await conn.execute("UPDATE pgqueuer SET heartbeat = now() - interval '1 hour'")
    taken = await take(successor)
    assert taken.id == job.id
    row = await job_row(pool)
    await stalled.update_heartbeat([job.id])
    await stalled.retry_job(job, timedelta(0), None)
    await stalled.log_jobs([(job, "successful", None)])
    assert await job_row(pool) == row
    assert row is not None
    assert (row["status"], row["queue_manager_id"]) == ("picked", successor.owner)
    await successor.retry_job(taken, timedelta(0), None)
    again = await take(stalled)
    await stalled.log_jobs([(again, "successful", None)])
    assert await job_row(pool) is None


async def test_what_a_tenants_limit_or_full_hands_keep_from_a_worker_is_no_work_for_it(
    pool: db.Pool, settings: Settings
) -> None:
    for question in ("one", "two"):
        await runs.submit(pool, runs.Order(question, "me", "me"))
    first, second = worker(pool, settings), worker(pool, settings)
    first.slots, first.tenant_limit = 2, 1
    second.tenant_limit = 2
    job = await take(first)
    assert await look(first) == []  # its tenant's limit
    await take(second)
    second.tenant_limit = 0
    await runs.submit(pool, runs.Order("three", "me", "me"))
    assert await look(second) == []  # its one slot is taken
    second.slots = 2
    await take(second)
    await first.log_jobs([(job, "successful", None)])
    async with pool.connection() as conn:
        await conn.execute("DELETE FROM pgqueuer")


async def test_a_worker_that_finds_nothing_learns_when_the_next_job_is_due(pool: db.Pool, settings: Settings) -> None:
    queries, entrypoints = worker(pool, settings), [QueueEntrypoint(queue.ENTRYPOINT)]
    run, _ = await runs.submit(pool, runs.Order("why?", "me", "me"))
    assert await look(queries)
    async with pool.connection() as conn:
        await conn.execute("UPDATE pgqueuer SET status = 'queued', execute_after = now() + interval '1 hour'")
    assert await look(queries) == []
    due = await queries.next_deferred_eta(entrypoints)
    assert due is not None
    assert timedelta(minutes=55) < due <= timedelta(hours=1)
    async with pool.connection() as conn:
        await queue.withdraw(conn, run.id)
    assert await look(queries) == []
    assert await queries.next_deferred_eta(entrypoints) is None


async def test_of_many_changes_of_the_queue_a_worker_hears_one_until_it_looks_again(settings: Settings) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with await db.open_pool(settings, max_size=2) as pool, asyncio.timeout(60):
        driver = queue.PatientDriver(pool, settings.database_url, asyncio.Event())
        async with driver:
            await driver.add_listener("ch_pgqueuer", lambda payload: heard.put_nowait(str(payload)))
            await hear(driver, heard, "listening", channel="ch_pgqueuer")
            for _ in range(2):
                driver.looks()
                for number in range(3):
                    await runs.submit(pool, runs.Order(f"{number}?", "me", "me"))
                await driver.notify("ch_pgqueuer", "after three")
                said = []
                while "after three" not in said:
                    said.append(await heard.get())
                assert sum('"insert"' in each for each in said) == 1


@asynccontextmanager
async def working(settings: Settings, handled: set[UUID], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Let a worker of two slots note each run it was given; it looks when it is told to, and never by itself."""
    monkeypatch.setattr(queue, "POLL_SECONDS", 3600.0)
    never = replace(settings, concurrency=2, lease_seconds=36_000)

    async def handle(run: UUID) -> None:
        handled.add(run)

    stopping = asyncio.Event()
    async with await db.open_pool(settings, max_size=queue.POOL_SIZE) as own, asyncio.TaskGroup() as tasks:
        tasks.create_task(queue.work(own, never, handle, stopping))
        try:
            yield
        finally:
            stopping.set()


async def submit_and_wait(pool: db.Pool, handled: set[UUID], seconds: float, rounds: int) -> None:
    """Submit runs at once and wait until all of them were handled, again and again; raise TimeoutError."""
    for _ in range(rounds):
        orders = [runs.Order("why?", "me", "me", priority) for priority in ("interactive", "batch") * 6]
        made = {run.id for run, _ in await asyncio.gather(*(runs.submit(pool, order) for order in orders))}
        async with asyncio.timeout(seconds):
            while not made <= handled:  # noqa: ASYNC110 - the handler runs in tasks of the library
                await asyncio.sleep(0.02)


async def test_of_many_jobs_told_of_together_none_is_overlooked(
    pool: db.Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: set[UUID] = set()
    async with working(settings, handled, monkeypatch):
        await submit_and_wait(pool, handled, seconds=60, rounds=10)


async def test_a_driver_that_does_not_tell_of_later_changes_overlooks_jobs(
    pool: db.Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: set[UUID] = set()
    monkeypatch.setattr(queue.PatientDriver, "looks", lambda _: None)
    async with working(settings, handled, monkeypatch):
        with pytest.raises(TimeoutError):
            await submit_and_wait(pool, handled, seconds=3, rounds=3)
    async with pool.connection() as conn:
        await conn.execute("DELETE FROM pgqueuer")


async def test_a_taker_stands_in_line_for_its_statement_only(pool: db.Pool, settings: Settings) -> None:
    taker = worker(pool, settings)
    locks = "SELECT granted FROM pg_locks WHERE locktype = 'advisory'"
    async with pool.connection() as watcher:
        async with db.transaction(pool) as conn:
            await conn.execute(taking.LOCK)
            taken = asyncio.create_task(taker.dequeue(1, {}, QueueManagerId(uuid4()), None, timedelta(minutes=1)))

            async def stands_in_line() -> bool:
                rows = await (await watcher.execute(locks)).fetchall()
                return {"granted": False} in rows

            await until_async(stands_in_line, "the taker stands in line")
        assert await taken == []
        assert await (await watcher.execute(locks)).fetchall() == []


async def test_statements_and_notifications_outlive_the_server_until_the_worker_stops() -> None:
    with postgres() as own:
        settings = Settings.from_env({"DATABASE_URL": own.url}, needs=())
        stopping = asyncio.Event()
        async with await db.open_pool(settings, max_size=2) as pool:
            driver = queue.PatientDriver(pool, own.url, stopping)
            heard: asyncio.Queue[Any] = asyncio.Queue()
            async with driver, asyncio.timeout(60):
                await driver.add_listener("news", heard.put_nowait)
                await hear(driver, heard, "before")
                await asyncio.to_thread(own.stop)
                waiting = asyncio.create_task(driver.fetch("SELECT 1 AS one"))
                await asyncio.to_thread(own.start)
                assert await waiting == [{"one": 1}]
                await hear(driver, heard, "after")
                await asyncio.to_thread(own.stop)
                stopping.set()
                with pytest.raises(psycopg.OperationalError):
                    await driver.execute("SELECT 1")


async def hear(driver: queue.PatientDriver, heard: asyncio.Queue[Any], word: str, channel: str = "news") -> None:
    """Send `word` until it is heard: who listens again after a restart misses what was said before."""
    while heard.empty():
        await driver.notify(channel, word)
        await asyncio.sleep(0.05)
    assert await heard.get() == word
    while not heard.empty():
        heard.get_nowait()
