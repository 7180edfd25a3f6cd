"""Decide the queue library by killing its workers: run `python -m bench.queue_trial` from the repository root.

Starts a throwaway PostgreSQL and four worker processes of each library in turn, feeds jobs of 200 to 900 ms and sends
kill -9 to workers at random moments while they run jobs. Prints per library: jobs lost, jobs completed twice, time from
kill to re-pick, whether a live job longer than the lease is stolen, whether a dead worker's jobs block the concurrency
limit, and what a worker stopped past its lease (SIGSTOP, SIGCONT) does to a job that another one has taken over.
`pgqueuer` and `procrastinate` run stock; `ours` is research_assistant.queue. Results: docs/adr/0003-queue-library.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row, tuple_row

from tests.real.support.pg import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgqueuer.models import Job

WORKERS = 4
CONCURRENCY = 4
LIBRARIES = ("pgqueuer", "procrastinate", "ours")
LEDGER = """
CREATE TABLE ledger (
    id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), job int, pid int, event text
)
"""


async def job_body(url: str, job: int, seconds: float) -> None:
    """Write `begin`, take `seconds` of wall time, write `end`: the ledger is the only witness of the trial."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        row = (job, os.getpid())
        await conn.execute("INSERT INTO ledger (job, pid, event) VALUES (%s, %s, 'begin')", row)
        await asyncio.sleep(seconds)
        await conn.execute("INSERT INTO ledger (job, pid, event) VALUES (%s, %s, 'end')", row)


async def pgqueuer_install(url: str) -> None:
    """Create the tables of pgqueuer."""
    from pgqueuer.queries import Queries  # noqa: PLC0415 - only the library under trial is imported

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        await Queries.from_psycopg_connection(conn).install()


async def pgqueuer_enqueue(url: str, jobs: list[tuple[int, float]]) -> None:
    """Enqueue `jobs` (number, seconds) in one statement."""
    from pgqueuer.queries import Queries  # noqa: PLC0415

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        payloads: list[bytes | None] = [json.dumps(job).encode() for job in jobs]
        await Queries.from_psycopg_connection(conn).enqueue(["work"] * len(jobs), payloads, [0] * len(jobs))


async def pgqueuer_worker(url: str, lease: float, limit: int) -> None:
    """Work as the documentation shows, over one connection; `limit` counts across workers, 0 is none."""
    from pgqueuer import PgQueuer  # noqa: PLC0415

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        queue = PgQueuer.from_psycopg_connection(conn)

        @queue.entrypoint("work", concurrency_limit=limit, accepts_context=False)
        async def work(job: Job) -> None:
            number, seconds = json.loads(job.payload or b"")
            await job_body(url, number, seconds)

        await queue.run(
            batch_size=1,
            max_concurrent_tasks=CONCURRENCY,
            heartbeat_timeout=timedelta(seconds=lease),
            dequeue_timeout=timedelta(seconds=lease / 4),
        )


def procrastinate_app(url: str) -> Any:
    """Return an app with the one task of the trial."""
    from procrastinate import App, PsycopgConnector  # noqa: PLC0415

    app = App(connector=PsycopgConnector(conninfo=url))

    @app.task(name="work")
    async def work(number: int, seconds: float) -> None:
        await job_body(url, number, seconds)

    return app


async def procrastinate_install(url: str) -> None:
    """Create the tables of procrastinate."""
    app = procrastinate_app(url)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


async def procrastinate_enqueue(url: str, jobs: list[tuple[int, float]]) -> None:
    """Enqueue `jobs` (number, seconds) in one statement."""
    app = procrastinate_app(url)
    async with app.open_async():
        await app.tasks["work"].batch_defer_async(*({"number": number, "seconds": seconds} for number, seconds in jobs))


async def procrastinate_worker(url: str, lease: float, limit: int) -> None:
    """Work as the documentation shows, with the sweep for stalled jobs that it leaves to its user."""
    del limit  # it has no limit across workers, only each worker's own concurrency
    app = procrastinate_app(url)

    async def sweep() -> None:
        """Retry stalled jobs: the library leaves calling this to its user (its cron has minutes, not seconds)."""
        while True:
            await asyncio.sleep(lease / 4)
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=lease):
                with suppress(Exception):  # another worker's sweep was faster
                    await app.job_manager.retry_job(job)

    async with app.open_async():
        sweeper = asyncio.create_task(sweep())
        await app.run_worker_async(
            concurrency=CONCURRENCY,
            update_heartbeat_interval=lease / 2,
            stalled_worker_timeout=lease,
            fetch_job_polling_interval=lease / 4,
        )
        sweeper.cancel()


async def ours_install(url: str) -> None:
    """Create the research assistant's whole schema: which job is next depends on runs and tenants too."""
    from research_assistant import migrate  # noqa: PLC0415
    from research_assistant.settings import Settings  # noqa: PLC0415

    await asyncio.to_thread(migrate.migrate, Settings.from_env({"DATABASE_URL": url}, needs=()))


async def ours_enqueue(url: str, jobs: list[tuple[int, float]]) -> None:
    """Enqueue `jobs`; our job carries nothing but a run's id, so number and length go into one."""
    from research_assistant import queue  # noqa: PLC0415

    async with await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row) as conn:
        ids = [UUID(int=number << 32 | int(seconds * 1000)) for number, seconds in jobs]
        await conn.cursor().executemany(
            "INSERT INTO runs (id, owner, question) VALUES (%s, 'trial', 'q')", [(i,) for i in ids]
        )
        await queue.enqueue(conn, ids)


async def ours_worker(url: str, lease: float, limit: int) -> None:
    """Work with research_assistant.queue; it uses no limit across workers."""
    from research_assistant import db, queue  # noqa: PLC0415
    from research_assistant.settings import Settings  # noqa: PLC0415

    del limit
    variables = {
        "DATABASE_URL": url,
        "RESEARCH_ASSISTANT_LEASE_SECONDS": str(lease),
        "RESEARCH_ASSISTANT_CONCURRENCY": str(CONCURRENCY),
    }
    settings = Settings.from_env(variables, needs=())

    async def handle(run: UUID) -> None:
        await job_body(url, run.int >> 32, (run.int & 0xFFFFFFFF) / 1000)

    async with await db.open_pool(settings, max_size=queue.POOL_SIZE) as pool:
        await queue.work(pool, settings, handle, asyncio.Event())


PARTS: dict[str, tuple[Any, Any, Any]] = {
    "pgqueuer": (pgqueuer_install, pgqueuer_enqueue, pgqueuer_worker),
    "procrastinate": (procrastinate_install, procrastinate_enqueue, procrastinate_worker),
    "ours": (ours_install, ours_enqueue, ours_worker),
}


class Trial:
    """One library on one fresh database, with a pool of its worker processes."""

    def __init__(self, library: str, url: str, lease: float) -> None:
        self.library, self.url, self.lease = library, url, lease
        self.install, self.enqueue, _ = PARTS[library]
        self.workers: dict[int, subprocess.Popen[bytes]] = {}
        self.conn = psycopg.connect(url, autocommit=True, row_factory=tuple_row)

    def spawn(self, limit: int = 0) -> int:
        """Start a worker process and return its pid."""
        argv = [sys.executable, "-m", "bench.queue_trial", "--worker", self.library]
        argv += ["--lease", str(self.lease), "--limit", str(limit)]
        worker = subprocess.Popen(argv, env={**os.environ, "TRIAL_URL": self.url}, stderr=subprocess.DEVNULL)
        self.workers[worker.pid] = worker
        return worker.pid

    def kill(self, pid: int) -> None:
        """Kill -9 a worker and reap it."""
        worker = self.workers.pop(pid)
        worker.kill()
        worker.wait()

    def rows(self, query: str, *args: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.conn.execute(query, args).fetchall()

    def running(self) -> dict[int, list[int]]:
        """Return pid -> jobs begun and not ended, of the workers alive."""
        query = """SELECT b.pid, b.job FROM ledger b WHERE b.event = 'begin' AND b.pid = ANY(%s) AND NOT EXISTS
                   (SELECT FROM ledger e WHERE e.event = 'end' AND e.job = b.job AND e.pid = b.pid)"""
        found: dict[int, list[int]] = {}
        for pid, job in self.rows(query, list(self.workers)):
            found.setdefault(pid, []).append(job)
        return found

    def ended(self) -> int:
        """Return how many jobs have ended at least once."""
        return int(self.rows("SELECT count(DISTINCT job) FROM ledger WHERE event = 'end'")[0][0])

    def wait(self, condition: Any, seconds: float) -> bool:
        """Poll until `condition()` is true; tell whether it was within `seconds`."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


@contextmanager
def trial(library: str, server: Any, lease: float, name: str) -> Iterator[Trial]:
    """Yield a trial on a fresh database; its workers are killed at the end."""
    made = Trial(library, server.create_database(f"{library}_{name}"), lease)
    made.conn.execute(LEDGER)
    asyncio.run(made.install(made.url))
    try:
        yield made
    finally:
        for pid in list(made.workers):
            os.kill(pid, signal.SIGCONT)
            made.kill(pid)
        made.conn.close()


def random_kills(t: Trial, kills: int, rng: random.Random) -> dict[str, Any]:
    """Kill -9 a worker with running jobs, `kills` times, and respawn it; then let the queue drain."""
    jobs = [(number, rng.uniform(0.2, 0.9)) for number in range(kills * 8)]
    asyncio.run(t.enqueue(t.url, jobs))
    for _ in range(WORKERS):
        t.spawn()
    orphans: list[tuple[Any, int]] = []
    done = 0
    while done < kills and t.ended() < len(jobs):
        t.wait(t.running, 10 + t.lease)
        time.sleep(rng.uniform(0.0, 0.6))  # the random moment is the experiment, not a synchronisation
        if not (running := t.running()):
            continue
        pid = rng.choice(sorted(running))
        t.kill(pid)
        at = t.rows("SELECT clock_timestamp()")[0][0]
        query = """SELECT job FROM ledger b WHERE event = 'begin' AND pid = %s AND NOT EXISTS
                   (SELECT FROM ledger e WHERE e.event = 'end' AND e.job = b.job)"""
        orphans += [(at, job) for (job,) in t.rows(query, pid)]
        t.spawn()
        done += 1
    drained = t.wait(lambda: t.ended() == len(jobs), 60 + 5 * t.lease)
    query = "SELECT count(*) FROM (SELECT job FROM ledger WHERE event = 'end' GROUP BY job HAVING count(*) > 1) twice"
    twice = t.rows(query)
    delays = []
    for at, job in orphans:
        query = """SELECT extract(epoch FROM min(at) - %s)::float8 FROM ledger
                   WHERE job = %s AND event = 'begin' AND at > %s"""
        delays += [row[0] for row in t.rows(query, at, job, at) if row[0] is not None]
    return {
        "jobs": len(jobs),
        "kills": done,
        "killed_in_flight": len(orphans),
        "lost": len(jobs) - t.ended() if not drained else 0,
        "completed_twice": twice[0][0],
        "repick_seconds_p50_max": [round(statistics.median(delays), 2), round(max(delays), 2)] if delays else None,
    }


def long_job(t: Trial) -> dict[str, Any]:
    """Run a live job of four leases beside an idle second worker: a second `begin` means it was stolen."""
    asyncio.run(t.enqueue(t.url, [(1, 4 * t.lease)]))
    t.spawn()
    t.spawn()
    t.wait(lambda: t.ended() == 1, 8 * t.lease + 10)
    return {"begins": t.rows("SELECT count(*) FROM ledger WHERE event = 'begin'")[0][0]}


def dead_slots(t: Trial, limit: int) -> dict[str, Any]:
    """Fill four places with 6-second jobs of one worker, kill it, and time until another worker begins a fresh job.

    `limit` is the library's limit across workers; 0 leaves only each worker's own concurrency.
    """
    asyncio.run(t.enqueue(t.url, [(number, 6.0) for number in range(CONCURRENCY)]))
    victim = t.spawn(limit=limit)
    t.wait(lambda: len(t.running().get(victim, [])) == CONCURRENCY, 20)
    t.spawn(limit=limit)
    t.kill(victim)
    killed = t.rows("SELECT clock_timestamp()")[0][0]
    asyncio.run(t.enqueue(t.url, [(number, 0.1) for number in range(100, 110)]))
    t.wait(lambda: t.ended() == CONCURRENCY + 10, 40)
    query = """SELECT extract(epoch FROM min(at) FILTER (WHERE job >= 100) - %s)::float8,
                      extract(epoch FROM min(at) FILTER (WHERE job < 100) - %s)::float8
               FROM ledger WHERE event = 'begin' AND pid <> %s"""
    fresh, orphan = t.rows(query, killed, killed, victim)[0]
    begun = {"fresh_job_begins_after": fresh, "orphan_begins_after": orphan}
    return {name: None if seconds is None else round(seconds, 2) for name, seconds in begun.items()}


def zombie(t: Trial) -> dict[str, Any]:
    """Stop a worker past its lease, let another take its job, continue it: does its completion end the other's job?

    After the completion the second worker is killed: if the job is gone by then, nobody is left to run it.
    """
    length = 3 * t.lease
    asyncio.run(t.enqueue(t.url, [(1, length)]))
    first = t.spawn()
    t.wait(lambda: first in t.running(), 10)
    os.kill(first, signal.SIGSTOP)
    second = t.spawn()
    taken = t.wait(lambda: second in t.running(), 5 * t.lease + 10)
    os.kill(first, signal.SIGCONT)
    t.wait(lambda: t.ended() == 1, length + 10)
    time.sleep(0.5)  # let the zombie's completion reach the queue table
    t.kill(second)
    survived = t.wait(lambda: t.rows("SELECT count(*) > 2 FROM ledger WHERE event = 'begin'")[0][0], 5 * t.lease)
    return {"taken_over": taken, "job_survives_zombie_completion": survived}


def run_trials(library: str, lease: float, kills: int, seed: int) -> dict[str, Any]:
    """Return all figures of one library."""
    report: dict[str, Any] = {"library": library, "lease_seconds": lease, "workers": WORKERS, "seed": seed}
    with postgres() as server:
        with trial(library, server, lease, "kills") as t:
            report["random_kills"] = random_kills(t, kills, random.Random(seed))  # noqa: S311 - a reproducible experiment
        parts: dict[str, Callable[[Trial], dict[str, Any]]] = {
            "long_job": long_job,
            "dead_slots_own_limit": lambda t: dead_slots(t, 0),
            "dead_slots_global_limit": lambda t: dead_slots(t, CONCURRENCY),
            "zombie": zombie,
        }
        for name, part in parts.items():
            with trial(library, server, lease, name) as t:
                report[name] = part(t)
    return report


def main() -> None:
    """Run the trial, or one worker of it when started with `--worker`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", choices=LIBRARIES, action="append", help="default: all three")
    parser.add_argument("--lease", type=float, default=2.0, help="seconds without a heartbeat until a job is re-picked")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", choices=LIBRARIES, help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        asyncio.run(PARTS[args.worker][2](os.environ["TRIAL_URL"], args.lease, args.limit))
        return
    for library in args.library or LIBRARIES:
        print(json.dumps(run_trials(library, args.lease, args.kills, args.seed), indent=2))


if __name__ == "__main__":
    main()
