"""Follow the ledgers of many runs with one query: however many listen, the database is asked five times a second.

Ids of ledger rows are handed out before their transactions commit, so a row can become visible after one with a larger
id. A listener gets every row it has not had, whatever its id; what a client that comes back has missed is told by its
Last-Event-ID, and so a row is sent only once it is SETTLED_SECONDS old: by then the ones before it are there.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg

from research_assistant.runs import FINAL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from research_assistant import db

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
SETTLED_SECONDS = 0.05
HEARTBEAT_SECONDS = 10.0
MAX_STREAMS = 200
MAX_STREAMS_OF_TENANT = 20
"""Streams at once of one process: each holds a connection of its client and some memory, and none of the database."""


@dataclass(frozen=True, slots=True)
class Event:
    """One row of a run's ledger; `node` and `task` are set for what happens inside the graph."""

    id: int
    run_id: UUID
    event: str
    node: str | None
    task: str | None
    at: datetime


@dataclass(slots=True, eq=False)
class Listener:
    """One client that follows a run; it has had the rows up to `after`, and those in `had`."""

    run_id: UUID
    after: int
    had: set[int] = field(default_factory=set)
    waiting: list[Event] = field(default_factory=list)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, events: Sequence[Event]) -> None:
        """Take over those events that are new to this client."""
        fresh = [event for event in events if event.id > self.after and event.id not in self.had]
        self.had.update(event.id for event in fresh)
        self.waiting += fresh
        if fresh:
            self.woken.set()


class TooManyStreams(Exception):  # noqa: N818 - a limit that was reached, not a fault
    """Say that this process, or this tenant in it, follows as many runs as it may."""


class Streams:
    """Every stream of one process."""

    def __init__(self, pool: db.Pool, limit: int = MAX_STREAMS, tenant_limit: int = MAX_STREAMS_OF_TENANT) -> None:
        self._pool = pool
        self._limit, self._tenant_limit = limit, tenant_limit
        self._listeners: dict[Listener, str] = {}
        self._wanted = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._listeners)

    @contextmanager
    def listener(self, tenant: str, run_id: UUID, after: int) -> Iterator[Listener]:
        """Follow a run from the row after `after` on, for as long as the context lasts; raise TooManyStreams."""
        of_tenant = sum(1 for held in self._listeners.values() if held == tenant)
        if len(self._listeners) >= self._limit or of_tenant >= self._tenant_limit:
            raise TooManyStreams
        listener = Listener(run_id, after)
        self._listeners[listener] = tenant
        self._wanted.set()
        try:
            yield listener
        finally:
            del self._listeners[listener]

    async def events(self, listener: Listener, heartbeat: float = HEARTBEAT_SECONDS) -> AsyncIterator[Event | None]:
        """Yield the run's events as they come, None as a heartbeat; end after the last one of a run, or at shutdown."""
        while not self._closed:
            with suppress(TimeoutError):
                async with asyncio.timeout(heartbeat):
                    await listener.woken.wait()
            listener.woken.clear()
            events, listener.waiting = listener.waiting, []
            if not events:
                yield None
            for event in events:
                yield event
            if events and events[-1].event in FINAL:
                return

    def close(self) -> None:
        """End every stream: the process stops, and the clients come back to another one."""
        self._closed = True
        for listener in self._listeners:
            listener.woken.set()

    async def keep_reading(self) -> None:
        """Read for the listeners there are, until cancelled; while the database is away they only hear heartbeats."""
        while True:
            await self._wanted.wait()
            if not self._listeners:
                self._wanted.clear()
                continue
            try:
                await self._read()
            except (psycopg.Error, TimeoutError) as error:
                log.warning("the ledgers cannot be read: %s", error)
            await asyncio.sleep(POLL_SECONDS)

    async def _read(self) -> None:
        by_run: dict[UUID, list[Listener]] = defaultdict(list)
        for listener in self._listeners:
            by_run[listener.run_id].append(listener)
        found = await rows(self._pool, {run_id: min(one.after for one in them) for run_id, them in by_run.items()})
        for run_id, events in found.items():
            for listener in by_run[run_id]:
                listener.offer(events)


async def rows(pool: db.Pool, after: dict[UUID, int], settled: float = SETTLED_SECONDS) -> dict[UUID, list[Event]]:
    """Return the ledger rows of each run after the given id that are `settled` seconds old, in order."""
    query = """
        SELECT e.id, e.run_id, e.event, e.node, e.task_id AS task, e.at
        FROM unnest(%s::uuid[], %s::bigint[]) AS wanted (run_id, after)
        JOIN run_events e ON e.run_id = wanted.run_id AND e.id > wanted.after
        WHERE e.at < clock_timestamp() - make_interval(secs => %s) ORDER BY e.id
    """
    found: dict[UUID, list[Event]] = defaultdict(list)
    async with pool.connection() as conn:
        cursor = await conn.execute(query, (list(after), list(after.values()), settled))
        async for row in cursor:
            found[row["run_id"]].append(Event(**row))
    return found
