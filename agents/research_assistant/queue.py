"""The job queue: pgqueuer behind five corrections that its trials asked for (docs/adr/0003-queue-library.md, 0023).

1. Statements go through a pool and wait for a database that went away; the library's own driver shares one connection
   with LISTEN, which makes a statement wait up to a second and ends the worker when the connection drops.
2. A worker touches only jobs it still owns; stock, one that stalled past its lease deletes the job of its successor.
3. A run that is neither final nor queued is queued again: the run's row is the truth, not the queue's.
4. A tenant has no more runs under way than its limit, over all workers; stock counts by entrypoint only (taking.py).
5. A worker looks once after any number of changes, and a look is one statement; stock looks once for each change, and
   asks up to three more statements each time whether to look again.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar, cast
from uuid import UUID

import psycopg
from pgqueuer.core.tm import TaskManager
from pgqueuer.db import Driver
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from psycopg import AsyncRawCursor, sql
from psycopg.rows import dict_row

from research_assistant import db, taking

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from typing import Self

    from pgqueuer.models import TracebackRecord
    from pgqueuer.ports.driver import NotifyCallback
    from pgqueuer.ports.repository import EntrypointExecutionParameter
    from pgqueuer.types import JOB_STATUS, JobId, QueueEntrypoint, QueueManagerId

    from research_assistant.settings import Settings

T = TypeVar("T")
log = logging.getLogger(__name__)

ENTRYPOINT = "run"
PRIORITIES = {"interactive": 10, "batch": 0}  # the names are those of conventions.PRIORITIES
"""pgqueuer takes the highest number first."""
RESERVED = 2
"""One slot of so many is kept free of batch runs, so that an interactive run finds a free one (docs/adr/0024)."""
CHANGED = '"table_changed_event"'
"""In the payload of a notification of the library's trigger that the queue's table changed."""
POLL_SECONDS = 1.0
"""So often at least a worker looks without a notification: for jobs that were given back (the library's trigger tells
of insertions and deletions only) or whose worker died, and after a lost connection."""
FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 5.0
POOL_SIZE = 3  # one statement each for taking jobs, heartbeats and completions, so that none waits for another


# What the library's own `enqueue` writes, but read from the rows of the runs, so that it can follow their insertion in
# one message to the server (runs.submit). A run that has a job keeps it.
ENQUEUE = f"""
    WITH job AS (
        INSERT INTO pgqueuer (priority, entrypoint, payload, execute_after, dedupe_key, headers, status)
        SELECT CASE priority WHEN 'interactive' THEN {PRIORITIES["interactive"]} ELSE {PRIORITIES["batch"]} END,
            '{ENTRYPOINT}', convert_to(id::text, 'UTF8'), greatest(retry_at, now()), id::text,
            jsonb_build_object('tenant', coalesce(tenant, owner)), 'queued'
        FROM runs WHERE id = ANY(%(enqueued)s)
        ON CONFLICT (dedupe_key) WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL DO NOTHING
        RETURNING id, entrypoint, priority
    )
    INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority) SELECT id, 'queued', entrypoint, priority FROM job
"""  # noqa: S608 - constants


async def enqueue(conn: db.Connection, run_ids: Sequence[UUID]) -> None:
    """Add the jobs of these runs in the transaction of `conn`, each to be taken from the run's `retry_at` on."""
    await conn.execute(ENQUEUE, {"enqueued": list(run_ids)})


async def withdraw(conn: db.Connection, run_id: UUID) -> bool:
    """Remove the run's waiting job in the transaction of `conn`; False when a worker holds it."""
    await conn.execute("DELETE FROM pgqueuer WHERE dedupe_key = %s AND status = 'queued'", (str(run_id),))
    cursor = await conn.execute("SELECT FROM pgqueuer WHERE dedupe_key = %s AND status = 'picked'", (str(run_id),))
    return await cursor.fetchone() is None


async def depths_and_ages(pool: db.Pool) -> dict[str, tuple[int, float]]:
    """Return per priority how many runs wait and for how many seconds the oldest of them has waited.

    A run between two tries waits from the end of its pause on: until then no worker is missing.
    """
    query = """
        SELECT priority, count(*) AS depth,
               coalesce(extract(epoch FROM now() - min(coalesce(retry_at, submitted_at))), 0)::float8 AS age
        FROM runs WHERE state = 'queued' AND coalesce(retry_at, submitted_at) <= now() GROUP BY priority
    """
    async with pool.connection() as conn:
        rows = await (await conn.execute(query)).fetchall()
    return dict.fromkeys(PRIORITIES, (0, 0.0)) | {row["priority"]: (row["depth"], row["age"]) for row in rows}


async def requeue_orphans(pool: db.Pool) -> list[tuple[UUID, str]]:
    """Queue every unfinished run that has no job; return their ids and tenants. Normally there are none."""
    query = """
        SELECT id, coalesce(tenant, owner) AS tenant FROM runs WHERE state IN ('queued', 'running') AND NOT EXISTS (
            SELECT FROM pgqueuer WHERE dedupe_key = runs.id::text AND status IN ('queued', 'picked'))
    """
    async with pool.connection() as conn:
        orphans = await (await conn.execute(query)).fetchall()
        if orphans:  # an insertion of nothing would still wake every worker
            await enqueue(conn, [row["id"] for row in orphans])
    return [(row["id"], row["tenant"]) for row in orphans]


async def work(
    pool: db.Pool, settings: Settings, handle: Callable[[UUID], Awaitable[None]], stopping: asyncio.Event
) -> None:
    """Call `handle` with the run of each job, many at once, until `stopping` is set and all of them have returned.

    A dead worker's job is taken by another one after one lease and at most one poll. `pool` is for the queue alone
    (POOL_SIZE connections). A handler gives its job back by raising pgqueuer's RetryRequested.
    """
    lease = timedelta(seconds=settings.lease_seconds)
    queries = OwnedQueries(
        PatientDriver(pool, settings.database_url, stopping),
        slots=settings.concurrency,
        tenant_limit=settings.tenant_concurrency,
        lease=lease,
    )
    manager = QueueManager(queries)
    manager.shutdown = stopping
    queries.owner = manager.queue_manager_id

    @manager.entrypoint(ENTRYPOINT, accepts_context=False)
    async def run(job: Job) -> None:
        await handle(UUID((job.payload or b"").decode()))

    await manager.run(
        batch_size=1,
        max_concurrent_tasks=settings.concurrency,
        heartbeat_timeout=lease,
        dequeue_timeout=timedelta(seconds=min(POLL_SECONDS, settings.lease_seconds / 4)),
    )


@dataclass
class OwnedQueries(Queries):
    """The library's statements, but a job that another worker took over is left alone, and tenants have limits.

    `driver` is a PatientDriver; `slots` is how many jobs this worker may hold, `tenant_limit` how many of one tenant
    all workers together (0: any number).
    """

    owner: QueueManagerId | None = None
    slots: int = 1
    tenant_limit: int = 0
    lease: timedelta = timedelta(seconds=30)
    _due_in: timedelta | None = None

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[Job]:
        """Take one job (`batch_size` is 1) by the statement of taking.py."""
        del batch_size, queue_manager_id, global_concurrency_limit, heartbeat_timeout
        names = self.qbe.settings.qualified
        statements = taking.take(names.queue_table, names.queue_table_log)
        self._own_driver.looks()
        (row,) = await self._own_driver.script(statements, self._place(entrypoints))
        self._due_in = cast("timedelta | None", row.pop("due_in"))
        return [] if row["id"] is None else [Job.model_validate(row)]

    async def eligible_queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        """Return 0: the library asks after a look that found nothing, and what came since has its own notification."""
        del entrypoints
        return 0

    async def next_deferred_eta(self, entrypoints: list[QueueEntrypoint]) -> timedelta | None:
        """Return after how long the next job is due, as the last look found it."""
        del entrypoints
        return self._due_in

    async def queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        """Return 0, see eligible_queued_work; what is due later is next_deferred_eta's."""
        del entrypoints
        return 0

    def _place(self, entrypoints: Iterable[QueueEntrypoint]) -> dict[str, object]:
        return {
            "entrypoints": list(entrypoints),
            "owner": self.owner,
            "slots": self.slots,
            "interactive": PRIORITIES["interactive"],
            "reserved": self.slots // RESERVED,
            "limit": self.tenant_limit,
            "lease": self.lease,
        }

    @property
    def _own_driver(self) -> PatientDriver:
        return cast("PatientDriver", self.driver)

    async def update_heartbeat(self, job_ids: list[JobId]) -> None:
        """Renew the lease of those jobs that are still ours."""
        query = f"UPDATE {self._table} SET heartbeat = NOW() WHERE id = ANY($1::bigint[]) AND queue_manager_id = $2"  # noqa: S608
        await self.driver.execute(query, list(set(job_ids)), self.owner)

    async def retry_job(self, job: Job, delay: timedelta, traceback_record: TracebackRecord | None) -> None:
        """Give the job back if it is still ours; the reason is in our own log and ledger."""
        del traceback_record
        query = f"""
            UPDATE {self._table} SET status = 'queued', execute_after = NOW() + $3::interval, attempts = attempts + 1,
                updated = NOW(), queue_manager_id = NULL
            WHERE id = $1 AND queue_manager_id = $2 AND status = 'picked'
        """  # noqa: S608 - the table's name comes from the library's settings
        await self.driver.execute(query, job.id, self.owner, delay)

    async def log_jobs(self, job_status: list[tuple[Job, JOB_STATUS, TracebackRecord | None]]) -> None:
        """Remove those ended jobs that are still ours; the new owner of any other finds its run final, or runs it."""
        query = f"SELECT id FROM {self._table} WHERE id = ANY($1::bigint[]) AND queue_manager_id = $2"  # noqa: S608
        rows = await self.driver.fetch(query, [job.id for job, _, _ in job_status], self.owner)
        ours = {row["id"] for row in rows}
        if owned := [ended for ended in job_status if ended[0].id in ours]:
            await super().log_jobs(owned)

    @property
    def _table(self) -> str:
        return self.qbe.settings.qualified.queue_table


@dataclass
class PatientDriver(Driver):
    """A pgqueuer driver over our pool: statements wait for a lost database, LISTEN has a connection of its own.

    Of the notifications that the queue changed, one is passed on until the worker looks again: the library looks once
    for each, and under overload each admitted run would cost every worker a look at full hands.
    """

    pool: db.Pool
    url: str = field(repr=False)
    stopping: asyncio.Event
    _tasks: TaskManager = field(default_factory=TaskManager)
    _told: bool = False

    @property
    def shutdown(self) -> asyncio.Event:
        """Return the event that ends waiting for a lost database."""
        return self.stopping

    @property
    def tm(self) -> TaskManager:
        """Return the library's holder of background tasks."""
        return self._tasks

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """Execute a statement with `$1` placeholders and return its rows."""

        async def statement(conn: db.Connection) -> list[dict[str, object]]:
            cursor = AsyncRawCursor(conn, row_factory=dict_row)
            await cursor.execute(query, args or None)
            return await cursor.fetchall()

        return await self._patiently(statement)

    async def script(self, statements: str, values: Mapping[str, object]) -> list[dict[str, object]]:
        """Execute statements as `db.script` does."""

        async def whole(conn: db.Connection) -> list[dict[str, object]]:
            return await db.script(conn, statements, values)

        return await self._patiently(whole)

    async def execute(self, query: str, *args: object) -> str:
        """Execute a statement with `$1` placeholders and return its command tag."""

        async def statement(conn: db.Connection) -> str:
            cursor = AsyncRawCursor(conn)
            await cursor.execute(query, args or None)
            return cursor.statusmessage or ""

        return await self._patiently(statement)

    async def notify(self, channel: str, payload: str) -> None:
        """Send a notification."""
        await self.execute("SELECT pg_notify($1, $2)", channel, payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Call `callback` with each notification on `channel`; a lost connection is made again."""
        self._tasks.add(asyncio.create_task(self._listen(channel, callback), name=f"listen {channel}"))

    def looks(self) -> None:
        """Say that the worker looks into the queue now: what changes from here on is news again."""
        self._told = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in list(self._tasks.tasks):
            task.cancel()
        await self._tasks.gather_tasks()

    async def _patiently(self, statement: Callable[[db.Connection], Awaitable[T]]) -> T:
        """Execute `statement`, again and again while the database is away.

        Every statement of the library may be repeated: a job taken twice by us is ours, the rest sets what was set.
        """
        waits = _Waits()
        while True:
            try:
                async with self.pool.connection() as conn:
                    return await statement(conn)
            except psycopg.Error as error:
                if not db.is_connection_lost(error) or self.stopping.is_set():
                    raise
                await waits.wait(error, self.stopping)

    async def _listen(self, channel: str, callback: NotifyCallback) -> None:
        waits = _Waits()
        while not self.stopping.is_set():
            try:
                async with await psycopg.AsyncConnection.connect(self.url, **db.CONNECTION_OPTIONS) as conn:
                    await conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                    async for note in conn.notifies():
                        if self._is_news(note.payload):
                            callback(note.payload)
            except psycopg.Error as error:
                if not db.is_connection_lost(error):
                    raise
                await waits.wait(error, self.stopping)

    def _is_news(self, payload: str) -> bool:
        """Tell whether to pass a notification on; all but changes of the queue (cancelled, health check) are."""
        if CHANGED not in payload:
            return True
        told, self._told = self._told, True
        return not told


class _Waits:
    """Growing pauses with jitter between attempts; the first one of an outage is logged."""

    def __init__(self) -> None:
        self._seconds = FIRST_RETRY_SECONDS

    async def wait(self, error: Exception, stopping: asyncio.Event) -> None:
        if self._seconds == FIRST_RETRY_SECONDS:
            log.warning("the database went away, trying again until it is back: %s", error)
        pause = self._seconds * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        self._seconds = min(2 * self._seconds, LAST_RETRY_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), pause)
