"""The worker process: take runs from the queue, run the graph on them, write what came out.

What can go wrong, and what happens then: the process dies (another one resumes the run after one lease), it stalls past
its lease (the fence rejects its writes), the database goes away (the run is handed back and resumed), the run takes too
long (failed, kind deadline), the outside world fails (batch runs are queued for another try, tries.py), somebody
cancels the run (noticed within half a second), SIGTERM (runs stop at their next superstep and are handed back).
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
import uvloop
from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl
from pgqueuer.errors import RetryRequested

from bongsu.core.errors import StateError
from bongsu.telemetry import metrics as m
from research_assistant import db, health, queue, retention, runs, sessions, telemetry, tries, upkeep
from research_assistant.checkpoints import FencedSaver
from research_assistant.errors import RunError
from research_assistant.imports import collector_paused
from research_assistant.pace import told_to_stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from typing import TypeAlias
    from uuid import UUID

    from langchain_core.runnables import RunnableConfig
    from langgraph.graph.state import CompiledStateGraph

    from research_assistant.settings import Settings

    Graph: TypeAlias = CompiledStateGraph[Any, Any, Any, Any]
    OpenGraph: TypeAlias = Callable[[Settings, db.Pool, FencedSaver], AbstractAsyncContextManager[Graph]]

log = logging.getLogger(__name__)

STOPPING = "the worker is stopping"
LOST_DATABASE_DELAY = timedelta(seconds=1)
CANCEL_POLL_SECONDS = 0.5
CONNECTIONS_PER_RUN = 3  # parallel researchers write and read at once


def main(settings: Settings, metrics_port: int, open_graph: OpenGraph | None = None) -> None:
    """Run a worker on uvloop until SIGTERM or SIGINT. Raises UnreachableError, StateError and OSError at the start."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(settings, metrics_port, open_graph))


async def run(settings: Settings, metrics_port: int, open_graph: OpenGraph | None = None) -> None:
    """Run a worker in this event loop.

    `open_graph` opens the graph to run (default: the research assistant's); its final state holds answer, citations and
    run_class.
    """
    if open_graph is None:
        with collector_paused():
            from research_assistant import assembly  # noqa: PLC0415 - seconds of imports; see there

        open_graph = assembly.open_graph
    async with AsyncExitStack() as stack:
        pulse = health.Pulse()
        server = health.serve(metrics_port, pulse)
        stack.callback(server.server_close)
        stack.callback(server.shutdown)
        pool = await stack.enter_async_context(
            await db.open_pool(settings, max_size=CONNECTIONS_PER_RUN * settings.concurrency)
        )
        queue_pool = await stack.enter_async_context(await db.open_pool(settings, max_size=queue.POOL_SIZE))
        await _require_schema(pool)
        saver = FencedSaver(pool)
        graph = await stack.enter_async_context(open_graph(settings, pool, saver))
        stopping = told_to_stop()
        worker = Worker(settings, pool, graph, saver, f"{socket.gethostname()}-{os.getpid()}", stopping)
        async with asyncio.TaskGroup() as tasks:
            helpers = [
                tasks.create_task(pulse.keep_beating()),
                tasks.create_task(worker.drain()),
                tasks.create_task(upkeep.again_and_again(CANCEL_POLL_SECONDS, worker.cancel_asked)),
                tasks.create_task(upkeep.again_and_again(settings.lease_seconds, partial(upkeep.queue_orphans, pool))),
                tasks.create_task(
                    upkeep.again_and_again(
                        settings.retention_seconds, partial(retention.prune, pool, settings.retention)
                    )
                ),
            ]
            log.info("worker %s takes up to %d runs at once", worker.name, settings.concurrency)
            await queue.work(queue_pool, settings, worker.handle, stopping)
            for helper in helpers:
                helper.cancel()
    log.info("worker %s stopped", worker.name)


@dataclass
class _Active:
    """A run under way: how to drain it, and whether its task was cancelled because somebody cancelled the run."""

    run_id: UUID
    control: RunControl
    cancelled: bool = False


@dataclass
class Worker:
    """What one process needs to handle runs; `handle` is called once for each job, many at a time."""

    settings: Settings
    pool: db.Pool
    graph: Graph
    saver: FencedSaver
    name: str
    stopping: asyncio.Event
    _active: dict[asyncio.Task[Any], _Active] = field(default_factory=dict)

    async def handle(self, run_id: UUID) -> None:
        """Claim the run and bring it to its end; raise RetryRequested when another worker shall resume it."""
        if self.stopping.is_set():
            raise _hand_back(STOPPING)
        try:
            claim = await runs.claim(self.pool, run_id, self.name)
            if claim is not None:
                with telemetry.claimed(claim), _told_when_given_up(claim):
                    await self._carry(claim)
        except runs.LostLease as lost:
            raise _hand_back("a newer claim exists") from lost
        except psycopg.Error as error:
            if not db.is_connection_lost(error):
                raise
            raise _hand_back("the database went away", LOST_DATABASE_DELAY) from error

    async def _carry(self, claim: runs.Claim) -> None:
        """Bring a claimed run to the end of this try."""
        extra = {"run_id": str(claim.run.id), "worker": self.name, "fence": claim.fence}
        log.info("resumed" if claim.resumed else "claimed", extra=extra)
        if claim.resumed:
            m.runs_resumed.inc()
        try:
            if claim.cancelled:
                raise _Cancelled  # noqa: TRY301 - asked for while nobody ran it: it ends as one that was under way
            await self._end(claim)
        except _Cancelled:
            await runs.end_cancelled(self.pool, claim)
            m.runs_cancelled.inc()
            telemetry.ended(claim.run, "cancelled")
            log.info("cancelled", extra=extra)

    async def _end(self, claim: runs.Claim) -> None:
        """Run the graph and write what came out; metrics count after the fenced write, so once for each run."""
        extra = {"run_id": str(claim.run.id), "worker": self.name, "fence": claim.fence}
        try:
            final = await self._result(claim)
            answer, citations, run_class = final["answer"], final["citations"], final["run_class"]
        except RunError as error:
            await self._fail(claim, error.kind, error.detail)
        except (_Cancelled, runs.LostLease, RetryRequested):
            raise
        except psycopg.Error as error:
            if db.is_connection_lost(error):
                raise
            log.exception("a statement failed", extra=extra)
            await self._fail(claim, "database", type(error).__name__)
        except Exception as error:  # the last line of defence: whatever a node raises must end the run and be counted
            log.exception("an unclassified error ended the run", extra=extra)
            await self._fail(claim, "unhandled", type(error).__name__)
        else:
            seconds = await runs.finish(self.pool, claim, answer=answer, citations=citations, run_class=run_class)
            m.events.labels(kind="run", outcome="good").inc()
            if claim.run.priority == "interactive" and not claim.run.replayed:  # nobody sat and waited for the others
                m.run_duration.labels(run_class).observe(seconds)
            telemetry.ended(claim.run, "done", run_class=run_class, seconds=seconds)
            log.info("done", extra={**extra, "seconds": round(seconds, 4)})

    async def _fail(self, claim: runs.Claim, kind: str, detail: str) -> None:
        """Queue the run for another try (RetryRequested gives the job back) or let it end as a dead letter."""
        extra = {"run_id": str(claim.run.id), "worker": self.name, "fence": claim.fence, "kind": kind}
        pause = tries.pause(self.settings, claim.run, kind)
        if pause is not None:
            await runs.retry(self.pool, claim, kind=kind, detail=detail, delay=pause)
            m.runs_retried.labels(kind).inc()
            log.warning("retried in %.1f s: %s", pause.total_seconds(), detail, extra=extra)
            raise _hand_back(detail, pause)
        seconds = await runs.fail(self.pool, claim, kind=kind, detail=detail)
        m.events.labels(kind="run", outcome="bad").inc()
        m.errors.labels(kind=kind).inc()
        m.dead_letters.labels(kind).inc()
        telemetry.ended(claim.run, "failed", seconds=seconds, kind=kind)
        log.error("failed: %s", detail, extra=extra)

    async def _result(self, claim: runs.Claim) -> dict[str, Any]:
        """Return the graph's final state, resuming from the last checkpoint if there is one."""
        run_id = str(claim.run.id)
        configurable = {"thread_id": run_id, "run_id": run_id, "fence": claim.fence, "worker": self.name}
        config: RunnableConfig = {"configurable": configurable}
        bound = asyncio.timeout(self.settings.run_deadline_seconds - claim.age_seconds)
        try:
            async with bound:
                resumable = await self.saver.aget_tuple(config) is not None
                given = None if resumable else await sessions.given(self.pool, claim.run)
                return await self._drainable(claim.run.id, given, config)
        except TimeoutError as error:
            if not bound.expired():
                raise
            seconds = self.settings.run_deadline_seconds
            raise RunError("deadline", f"not finished {seconds:g} s after its first start") from error
        except (GraphDrained, _Drained) as drained:
            await runs.release(self.pool, claim)
            log.info("released", extra={"run_id": run_id, "worker": self.name, "fence": claim.fence})
            raise _hand_back(STOPPING) from drained

    async def _drainable(self, run_id: UUID, given: dict[str, Any] | None, config: RunnableConfig) -> dict[str, Any]:
        """Run the graph so that `drain` can ask it to stop, and `drain` and `cancel_asked` can cancel it."""
        active = _Active(run_id, RunControl())
        task = asyncio.create_task(self.graph.ainvoke(given, config, durability="sync", control=active.control))
        self._active[task] = active
        if self.stopping.is_set():
            active.control.request_drain(STOPPING)
        try:
            return dict(await task)
        except asyncio.CancelledError:
            if _being_cancelled():  # by the deadline: the graph was cancelled with us
                raise
            raise (_Cancelled if active.cancelled else _Drained) from None
        finally:
            del self._active[task]

    async def cancel_asked(self) -> None:
        """Cancel the tasks of those runs under way whose cancellation was asked for."""
        under_way = {active.run_id: (task, active) for task, active in self._active.items() if not active.cancelled}
        if not under_way:
            return
        for run_id in await runs.to_cancel(self.pool, list(under_way)):
            task, active = under_way[run_id]
            active.cancelled = True
            task.cancel()

    async def drain(self) -> None:
        """Once the worker stops, ask each run to end at its next superstep; cancel what still runs after the bound."""
        await self.stopping.wait()
        log.info("stopping: %d runs are asked to end at their next superstep", len(self._active))
        for active in self._active.values():
            active.control.request_drain(STOPPING)
        await asyncio.sleep(self.settings.drain_seconds)
        for task in list(self._active):
            log.warning("a run did not end within %g s and is cancelled", self.settings.drain_seconds)
            task.cancel()


class _Drained(Exception):  # noqa: N818 - never leaves this module
    """Say that the run was cancelled because the worker stops."""


class _Cancelled(Exception):  # noqa: N818 - never leaves this module
    """Say that the run was cancelled because somebody asked for it."""


@contextmanager
def _told_when_given_up(claim: runs.Claim) -> Iterator[None]:
    """Say why the run is left to the next claim, while its trace is at hand."""
    extra = {"worker": claim.worker, "fence": claim.fence}
    try:
        yield
    except runs.LostLease as lost:
        m.leases_lost.inc()
        log.warning("abandoned: %s", lost, extra=extra)
        raise
    except psycopg.Error as error:
        if db.is_connection_lost(error):
            log.warning("handed back, the database went away: %s", error, extra=extra)
        raise


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _hand_back(reason: str, delay: timedelta = timedelta(0)) -> RetryRequested:
    return RetryRequested(delay, reason)


async def _require_schema(pool: db.Pool) -> None:
    async with pool.connection() as conn:
        row = await (await conn.execute("SELECT to_regclass('run_events') AS found")).fetchone()
    if not row or row["found"] is None:
        raise StateError("the database has no schema", next="run `research-assistant migrate`")
