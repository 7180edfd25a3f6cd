"""Runs: the row is the truth about a question, the queue only says who may look at it next.

Every claim raises `fence` by one; every later write of that worker names the fence it holds and is rejected when a
newer claim exists. A rejected write raises LostLease and is counted: two workers can never both finish a run.
"""

from __future__ import annotations

import logging
import os
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from opentelemetry.trace import SpanKind
from psycopg.types.json import Jsonb

from bongsu.core.errors import BongsuError, StateError
from bongsu.telemetry import metrics as m
from bongsu.telemetry import traces
from research_assistant import db, patterns, queue
from research_assistant.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from psycopg.rows import DictRow

COLUMNS = """
    id, owner, coalesce(tenant, owner) AS tenant, priority, session_id, question, state, tries, answer, citations,
    run_class, error_kind, error_detail, submitted_at, started_at, finished_at, fence, traceparent, retry_at
"""
FINAL = ("done", "failed", "cancelled")
API, OPERATOR = "api", "operator"
"""Who wrote a ledger row when no worker did."""

log = logging.getLogger(__name__)


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
    retry_at: datetime | None = None

    @property
    def final(self) -> bool:
        """Tell whether the run will never change again."""
        return self.state in FINAL

    @property
    def replayed(self) -> bool:
        """Tell whether this is the first try after a replay: the pause of a retry comes with a try that is counted."""
        return self.retry_at is not None and self.tries == 0


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run a run until somebody else claims it.

    `age_seconds` is the time since this try's first claim by the database's clock, so that the deadline survives
    takeovers and each try has a whole one. `cancelled`: somebody asked to cancel the run while nobody ran it.
    """

    run: Run
    fence: int
    worker: str
    age_seconds: float
    cancelled: bool = False

    @property
    def resumed(self) -> bool:
        """Tell whether another worker had begun this try."""
        return self.age_seconds > 0


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
    used for another question or session, or by a former holder of the name in another tenant. The trace of the
    caller goes on in the worker.
    """
    with traces.span("send runs", kind=SpanKind.PRODUCER, parent=order.traceparent) as span:
        sent = replace(order, traceparent=traces.traceparent() or order.traceparent)
        run, new = await _submit(pool, sent)
        span.set_attribute("messaging.message.id", str(run.id))
        if new:
            told = {"tenant": run.tenant, "priority": run.priority, "question_chars": len(run.question)}
            log.info("queued", extra={"run_id": str(run.id), **told})
    if new:
        m.questions.labels(patterns.language(order.question), patterns.length(order.question)).inc()
    return run, new


async def _submit(pool: db.Pool, order: Order) -> tuple[Run, bool]:
    """Write what `submit` promises in one message: when the insertion finds an earlier run, the rest finds no new one.

    While each statement waited for the event loop, a run waited for its own API process (docs/adr/0024).
    """
    new = uuid4()
    values = asdict(order) | {"id": new, "enqueued": [new], "worker": API, "pid": os.getpid()}
    async with pool.connection() as conn:
        (row,) = await db.script(conn, _SUBMIT, values)
    run = Run(**row)
    if (run.tenant, run.question, run.session_id) != (order.tenant, order.question, order.session_id):
        raise ConflictError(
            "the idempotency key was used for another question",
            where=f"run {run.id}",
            next="use a new key for a new question",
        )
    return run, run.id == new


_SUBMIT = f"""
    INSERT INTO runs (id, owner, tenant, priority, session_id, idempotency_key, question, traceparent)
    VALUES (%(id)s, %(owner)s, %(tenant)s, %(priority)s, %(session_id)s, %(idempotency_key)s, %(question)s,
        %(traceparent)s)
    ON CONFLICT (owner, idempotency_key) DO NOTHING;
    {queue.ENQUEUE};
    INSERT INTO run_events (run_id, fence, worker, pid, event)
    SELECT id, fence, %(worker)s, %(pid)s, 'queued' FROM runs WHERE id = %(id)s;
    SELECT {COLUMNS} FROM runs
    WHERE id = %(id)s OR (owner = %(owner)s AND idempotency_key = %(idempotency_key)s)
"""  # noqa: S608 - constants


async def get(pool: db.Pool, run_id: UUID) -> Run | None:
    """Return the run, None when there is none of that id."""
    async with pool.connection() as conn:
        cursor = await conn.execute(f"SELECT {COLUMNS} FROM runs WHERE id = %s", (run_id,))  # noqa: S608 - a constant
        row = await cursor.fetchone()
    return Run(**row) if row else None


async def claim(pool: db.Pool, run_id: UUID, worker: str) -> Claim | None:
    """Take the run over under a new fence; return None when it is final (its job was already done) or unknown."""
    update = f"""
        UPDATE runs SET fence = fence + 1, state = 'running', worker = %(worker)s,
            started_at = coalesce(started_at, now())
        WHERE id = %(id)s AND state IN ('queued', 'running')
        RETURNING {COLUMNS}, extract(epoch FROM now() - started_at)::float8 AS age_seconds,
            cancel_requested_at IS NOT NULL AS cancelled
    """  # noqa: S608 - a constant list of columns
    row = await _changed(pool, update, {"id": run_id}, worker, "claimed")
    if row is None:
        return None
    age_seconds, cancelled = row.pop("age_seconds"), row.pop("cancelled")
    return Claim(Run(**row), row["fence"], worker, age_seconds, cancelled)


async def hold_fence(conn: db.Connection, run_id: UUID | str, fence: int) -> None:
    """Keep the run from being claimed until the caller's transaction ends; raise LostLease when it already was.

    A shared row lock: writers under the same fence do not wait for each other, a claim waits for them.
    """
    cursor = await conn.execute("SELECT fence, state FROM runs WHERE id = %s FOR SHARE", (run_id,))
    row = await cursor.fetchone()
    if row is None or row["fence"] != fence or row["state"] != "running":
        raise lost_lease(run_id, fence)


async def finish(
    pool: db.Pool, claimed: Claim, *, answer: str, citations: Sequence[dict[str, Any]], run_class: str
) -> float:
    """Write the answer, once and under the newest fence only; return the seconds since submit. Raises LostLease."""
    query = """
        UPDATE runs SET state = 'done', answer = %(answer)s, citations = %(citations)s, run_class = %(run_class)s,
            finished_at = now()
        WHERE id = %(id)s AND fence = %(fence)s AND state = 'running'
        RETURNING id, fence, extract(epoch FROM finished_at - submitted_at)::float8 AS seconds
    """
    values = {"answer": answer, "citations": Jsonb(list(citations)), "run_class": run_class}
    return await _end(pool, claimed, "done", query, values)


async def fail(pool: db.Pool, claimed: Claim, *, kind: str, detail: str) -> float:
    """Write the failure, once and under the newest fence only; return the seconds since submit. Raises LostLease."""
    query = """
        UPDATE runs SET state = 'failed', error_kind = %(kind)s, error_detail = %(detail)s, finished_at = now()
        WHERE id = %(id)s AND fence = %(fence)s AND state = 'running'
        RETURNING id, fence, extract(epoch FROM finished_at - submitted_at)::float8 AS seconds
    """
    values = {"kind": kind, "detail": detail}
    return await _end(pool, claimed, "failed", query, values, f"{kind}: {detail}")


async def retry(pool: db.Pool, claimed: Claim, *, kind: str, detail: str, delay: timedelta) -> float:
    """Put the run back into the queue for another try after `delay`; return the seconds since submit. Raises LostLease.

    Its checkpoints stay: the next try goes on from the last one, with a whole deadline of its own. The caller gives the
    job back with the same delay; if it dies before, the try begins one lease later instead.
    """
    query = """
        UPDATE runs SET state = 'queued', tries = tries + 1, retry_at = now() + %(delay)s, started_at = NULL
        WHERE id = %(id)s AND fence = %(fence)s AND state = 'running'
        RETURNING id, fence, extract(epoch FROM now() - submitted_at)::float8 AS seconds
    """
    why = f"{kind}: {detail}; again in {delay.total_seconds():.1f} s"
    return await _end(pool, claimed, "retried", query, {"delay": delay}, why)


async def end_cancelled(pool: db.Pool, claimed: Claim) -> float:
    """Write that the run was cancelled, under the newest fence only; return the seconds since submit; see `fail`."""
    query = """
        UPDATE runs SET state = 'cancelled', finished_at = now()
        WHERE id = %(id)s AND fence = %(fence)s AND state = 'running'
        RETURNING id, fence, extract(epoch FROM finished_at - submitted_at)::float8 AS seconds
    """
    return await _end(pool, claimed, "cancelled", query, {})


async def cancel(pool: db.Pool, run_id: UUID) -> str:
    """Ask to cancel the run; return the state it is in then. Raises StateError for an unknown run.

    `cancelled` when nobody runs it; `running` when a worker does: it ends the run within a second. A final run stays
    what it is.
    """
    ask = """
        UPDATE runs SET cancel_requested_at = coalesce(cancel_requested_at, now())
        WHERE id = %s AND state IN ('queued', 'running') RETURNING state, fence, coalesce(tenant, owner) AS tenant
    """
    end = "UPDATE runs SET state = 'cancelled', finished_at = now() WHERE id = %s"
    async with db.transaction(pool) as conn:
        row = await (await conn.execute(ask, (run_id,))).fetchone()
        if row is not None and await queue.withdraw(conn, run_id):
            await conn.execute(end, (run_id,))
            await _write_note(conn, run_id, row["fence"], API, "cancelled")
            state = "cancelled"
        elif row is not None:
            state = str(row["state"])
        else:
            row = await (await conn.execute("SELECT state FROM runs WHERE id = %s", (run_id,))).fetchone()
            if row is None:
                raise _unknown(run_id)
            return str(row["state"])
    if state == "cancelled":
        m.runs_cancelled.inc()
    told = {"run_id": str(run_id), "tenant": row["tenant"]}
    log.info("cancelled" if state == "cancelled" else "asked to cancel", extra=told)
    return state


async def replay(pool: db.Pool, run_id: UUID) -> Run:
    """Take a dead letter back into the queue: the same run, its tries counted anew, its finished nodes kept.

    A new fence, so that it can end again. Raises StateError for a run that is unknown or has not failed.
    """
    query = f"""
        UPDATE runs SET state = 'queued', fence = fence + 1, tries = 0, retry_at = now(), error_kind = NULL,
            error_detail = NULL, worker = NULL, started_at = NULL, finished_at = NULL, cancel_requested_at = NULL
        WHERE id = %s AND state = 'failed' RETURNING {COLUMNS}
    """  # noqa: S608 - a constant list of columns
    async with db.transaction(pool) as conn:
        row = await (await conn.execute(query, (run_id,))).fetchone()
        if row is None:
            earlier = await (await conn.execute("SELECT state FROM runs WHERE id = %s", (run_id,))).fetchone()
            if earlier is None:
                raise _unknown(run_id)
            raise StateError(
                f"the run is {earlier['state']}, and only a failed one can be replayed",
                where=f"run {run_id}",
                next="list the dead letters with `research-assistant dead list`",
            )
        run = Run(**row)
        await queue.enqueue(conn, [run.id])
        await _write_note(conn, run.id, run.fence, OPERATOR, "replayed")
    log.info("replayed", extra={"run_id": str(run_id), "tenant": run.tenant, "fence": run.fence})
    return run


async def to_cancel(pool: db.Pool, run_ids: Sequence[UUID]) -> list[UUID]:
    """Return those of the runs whose cancellation was asked for."""
    query = "SELECT id FROM runs WHERE id = ANY(%s) AND cancel_requested_at IS NOT NULL AND state = 'running'"
    async with pool.connection() as conn:
        rows = await (await conn.execute(query, (list(run_ids),))).fetchall()
    return [row["id"] for row in rows]


async def release(pool: db.Pool, claimed: Claim) -> None:
    """Note in the ledger that the worker gives the run back; the next claim resumes it. Raises LostLease."""
    async with db.transaction(pool) as conn:
        await hold_fence(conn, claimed.run.id, claimed.fence)
        await _write_note(conn, claimed.run.id, claimed.fence, claimed.worker, "released")


async def _end(  # noqa: PLR0917 - one step of each way out of `running`
    pool: db.Pool, claimed: Claim, event: str, update: str, values: Mapping[str, Any], detail: str | None = None
) -> float:
    values = {**values, "id": claimed.run.id, "fence": claimed.fence}
    row = await _changed(pool, update, values, claimed.worker, event, detail)
    if row is None:
        raise lost_lease(claimed.run.id, claimed.fence)
    return float(row["seconds"])


async def _changed(  # noqa: PLR0917 - one argument a column
    pool: db.Pool, update: str, values: Mapping[str, Any], worker: str, event: str, detail: str | None = None
) -> DictRow | None:
    """Change a run by `update`, which returns its `id` and `fence`, and note that in the ledger: one statement."""
    query = f"""
        WITH changed AS ({update}), noted AS (
            INSERT INTO run_events (run_id, fence, worker, pid, event, detail)
            SELECT id, fence, %(worker)s, %(pid)s, %(event)s, %(note)s FROM changed
        )
        SELECT * FROM changed
    """  # noqa: S608 - statements of this module
    named = {**values, "worker": worker, "pid": os.getpid(), "event": event, "note": detail}
    async with pool.connection() as conn:
        return await (await conn.execute(query, named)).fetchone()


async def _write_note(  # noqa: PLR0917 - one argument a column
    conn: db.Connection, run_id: UUID, fence: int, worker: str, event: str, detail: str | None = None
) -> None:
    query = "INSERT INTO run_events (run_id, fence, worker, pid, event, detail) VALUES (%s, %s, %s, %s, %s, %s)"
    await conn.execute(query, (run_id, fence, worker, os.getpid(), event, detail))


def _unknown(run_id: UUID) -> StateError:
    return StateError("there is no such run", where=f"run {run_id}", next="check the id: old runs are deleted")


def lost_lease(run_id: UUID | str, fence: int) -> LostLease:
    """Count a rejected write and return the error to raise for it."""
    m.fenced_writes.inc()
    return LostLease("a newer claim exists", where=f"run {run_id}, fence {fence}")
