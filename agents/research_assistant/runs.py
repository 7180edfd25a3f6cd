"""Runs: the row is the truth about a question, the queue only says who may look at it next.

Every claim raises `fence` by one; every later write of that worker names the fence it holds and is rejected when a
newer claim exists. A rejected write raises LostLease and is counted: two workers can never both finish a run.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from opentelemetry.trace import SpanKind
from psycopg.types.json import Jsonb

from bongsu.core.errors import BongsuError
from bongsu.telemetry import metrics as m
from bongsu.telemetry import traces
from research_assistant import db, patterns, queue
from research_assistant.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

COLUMNS = """
    id, owner, coalesce(tenant, owner) AS tenant, priority, session_id, question, state, tries, answer, citations,
    run_class, error_kind, error_detail, submitted_at, started_at, finished_at, fence, traceparent
"""
FINAL = ("done", "failed", "cancelled")
API = "api"
"""Who wrote a ledger row when no worker did."""


class LostLease(BongsuError):  # noqa: N818 - an event in the life of a run, not a fault of anybody
    """Say that a newer claim on the run exists: whoever catches this abandons the run and writes nothing more."""


@dataclass(frozen=True, slots=True)
class Run:
    """One question and what became of it; `citations` are JSON objects, times are aware."""

    id: UUID
    owner: str
    tenant: str
    priority: str
    session_id: UUID | None
    question: str
    state: str
    tries: int
    answer: str | None
    citations: list[dict[str, Any]]
    run_class: str | None
    error_kind: str | None
    error_detail: str | None
    submitted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    fence: int
    traceparent: str | None

    @property
    def final(self) -> bool:
        """Tell whether the run will never change again."""
        return self.state in FINAL


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run a run until somebody else claims it.

    `age_seconds` is the time since the first claim by the database's clock, so that the deadline survives takeovers.
    """

    run: Run
    fence: int
    worker: str
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Order:
    """What a caller asks for; `traceparent` is the W3C Trace Context of the request."""

    question: str
    owner: str
    tenant: str
    priority: str = "interactive"
    session_id: UUID | None = None
    idempotency_key: str | None = None
    traceparent: str | None = None


async def submit(pool: db.Pool, order: Order) -> tuple[Run, bool]:
    """Insert a run and its job in one transaction; return it, and whether it is new.

    The earlier run is returned when the owner used the idempotency key before. Raises ConflictError when the key was
    used for another question. The trace of the caller goes on in the worker.
    """
    with traces.span("send runs", kind=SpanKind.PRODUCER, parent=order.traceparent) as span:
        sent = replace(order, traceparent=traces.traceparent() or order.traceparent)
        run, new = await _submit(pool, sent)
        span.set_attribute("messaging.message.id", str(run.id))
    if new:
        m.questions.labels(patterns.language(order.question), patterns.length(order.question)).inc()
    return run, new


async def _submit(pool: db.Pool, order: Order) -> tuple[Run, bool]:
    insert = f"""
        INSERT INTO runs (id, owner, tenant, priority, session_id, idempotency_key, question, traceparent)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (owner, idempotency_key) DO NOTHING RETURNING {COLUMNS}
    """  # noqa: S608 - a constant list of columns
    select = f"SELECT {COLUMNS} FROM runs WHERE owner = %s AND idempotency_key = %s"  # noqa: S608 - the same constant
    values = (order.owner, order.tenant, order.priority, order.session_id, order.idempotency_key, order.question)
    async with db.transaction(pool) as conn:
        cursor = await conn.execute(insert, (uuid4(), *values, order.traceparent))
        if row := await cursor.fetchone():
            run = Run(**row)
            await queue.enqueue(conn, run.id, run.priority)
            await _write_note(conn, run.id, run.fence, API, "queued")
            return run, True
        cursor = await conn.execute(select, (order.owner, order.idempotency_key))
        earlier = Run(**(await cursor.fetchone() or {}))
    if earlier.question != order.question:
        raise ConflictError(
            "the idempotency key was used for another question",
            where=f"run {earlier.id}",
            next="use a new key for a new question",
        )
    return earlier, False


async def get(pool: db.Pool, run_id: UUID) -> Run | None:
    """Return the run, None when there is none of that id."""
    async with pool.connection() as conn:
        cursor = await conn.execute(f"SELECT {COLUMNS} FROM runs WHERE id = %s", (run_id,))  # noqa: S608 - a constant
        row = await cursor.fetchone()
    return Run(**row) if row else None


async def claim(pool: db.Pool, run_id: UUID, worker: str) -> Claim | None:
    """Take the run over under a new fence; return None when it is final (its job was already done) or unknown."""
    query = f"""
        UPDATE runs SET fence = fence + 1, state = 'running', worker = %s, started_at = coalesce(started_at, now())
        WHERE id = %s AND state IN ('queued', 'running')
        RETURNING {COLUMNS}, extract(epoch FROM now() - started_at)::float8 AS age_seconds
    """  # noqa: S608 - a constant list of columns
    async with db.transaction(pool) as conn:
        cursor = await conn.execute(query, (worker, run_id))
        row = await cursor.fetchone()
        if row is None:
            return None
        age_seconds = row.pop("age_seconds")
        claimed = Claim(Run(**row), row["fence"], worker, age_seconds)
        await _note(conn, claimed, "claimed")
    return claimed


async def hold_fence(conn: db.Connection, run_id: UUID | str, fence: int) -> None:
    """Keep the run from being claimed until the caller's transaction ends; raise LostLease when it already was.

    A shared row lock: writers under the same fence do not wait for each other, a claim waits for them.
    """
    cursor = await conn.execute("SELECT fence, state FROM runs WHERE id = %s FOR SHARE", (run_id,))
    row = await cursor.fetchone()
    if row is None or row["fence"] != fence or row["state"] != "running":
        raise _lost_lease(run_id, fence)


async def finish(
    pool: db.Pool, claimed: Claim, *, answer: str, citations: Sequence[dict[str, Any]], run_class: str
) -> float:
    """Write the answer, once and under the newest fence only; return the seconds since submit. Raises LostLease."""
    query = """
        UPDATE runs SET state = 'done', answer = %s, citations = %s, run_class = %s, finished_at = now()
        WHERE id = %s AND fence = %s AND state = 'running'
        RETURNING extract(epoch FROM finished_at - submitted_at)::float8 AS seconds
    """
    values = (answer, Jsonb(list(citations)), run_class, claimed.run.id, claimed.fence)
    return await _end(pool, claimed, "done", query, values)


async def fail(pool: db.Pool, claimed: Claim, *, kind: str, detail: str) -> float:
    """Write the failure, once and under the newest fence only; return the seconds since submit. Raises LostLease."""
    query = """
        UPDATE runs SET state = 'failed', error_kind = %s, error_detail = %s, finished_at = now()
        WHERE id = %s AND fence = %s AND state = 'running'
        RETURNING extract(epoch FROM finished_at - submitted_at)::float8 AS seconds
    """
    return await _end(pool, claimed, "failed", query, (kind, detail, claimed.run.id, claimed.fence))


async def release(pool: db.Pool, claimed: Claim) -> None:
    """Note in the ledger that the worker gives the run back; the next claim resumes it."""
    async with pool.connection() as conn:
        await _note(conn, claimed, "released")


async def _end(pool: db.Pool, claimed: Claim, event: str, query: str, values: tuple[Any, ...]) -> float:
    async with db.transaction(pool) as conn:
        cursor = await conn.execute(query, values)
        row = await cursor.fetchone()
        if row is None:
            raise _lost_lease(claimed.run.id, claimed.fence)
        await _note(conn, claimed, event)
    return float(row["seconds"])


async def _note(conn: db.Connection, claimed: Claim, event: str) -> None:
    await _write_note(conn, claimed.run.id, claimed.fence, claimed.worker, event)


async def _write_note(conn: db.Connection, run_id: UUID, fence: int, worker: str, event: str) -> None:
    query = "INSERT INTO run_events (run_id, fence, worker, pid, event) VALUES (%s, %s, %s, %s, %s)"
    await conn.execute(query, (run_id, fence, worker, os.getpid(), event))


def _lost_lease(run_id: UUID | str, fence: int) -> LostLease:
    m.fenced_writes.inc()
    return LostLease("a newer claim exists", where=f"run {run_id}, fence {fence}")
