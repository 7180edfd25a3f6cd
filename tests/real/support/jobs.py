"""A database with runs in it, worker processes to kill, and the questions a test asks of the ledger afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from research_assistant import db, migrate, runs
from research_assistant.settings import Settings

from tests.real.support.ledger import Ledger
from tests.real.support.pg import free_port
from tests.real.support.waiting import until
from tests.real.support.worker import TINY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from uuid import UUID

    from tests.real.support.pg import Postgres

T = TypeVar("T")
LEASE_SECONDS = 2


class ForkServer:
    """The process that forks our workers (tests/real/support/worker.py)."""

    def __init__(self) -> None:
        argv = [sys.executable, "-m", "tests.real.support.worker", "--fork-server"]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the server; it kills what it forked."""
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """One worker process and the port of its metrics."""

    forks: ForkServer
    pid: int
    port: int

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def exit_code(self) -> int | None:
        """Return the exit code (negative: killed by that signal), None while it lives; the code is told only once."""
        code: int | None = self.forks.ask(poll=self.pid)["exit"]
        return code

    def metric(self, line: str) -> float:
        """Return the value of the series `line` (name and labels as exposed), 0 when it is not there."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            exposed = answer.read().decode().splitlines()
        return next((float(row.rsplit(" ", 1)[1]) for row in exposed if row.rsplit(" ", 1)[0] == line), 0.0)

    def serves(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5):
                return True
        except OSError:
            return False


class Jobs(Ledger):
    """Runs in a fresh, migrated database and the worker processes a test started on it."""

    def __init__(self, url: str, forks: ForkServer, variables: Mapping[str, str], graph: str) -> None:
        self.environ = {
            "DATABASE_URL": url,
            "RESEARCH_ASSISTANT_LEASE_SECONDS": str(LEASE_SECONDS),
            "RESEARCH_ASSISTANT_CONCURRENCY": "2",
            "RESEARCH_ASSISTANT_LOG_LEVEL": "WARNING",
            **variables,
        }
        self.settings = Settings.from_env(self.environ, needs=("DATABASE_URL",))
        self.forks, self.graph = forks, graph
        self.workers: dict[int, WorkerProcess] = {}
        migrate.migrate(self.settings)
        super().__init__(url)

    def spawn(self, *flags: str) -> WorkerProcess:
        port = free_port()
        argv = ["--port", str(port), "--graph", self.graph, *flags]
        worker = WorkerProcess(self.forks, self.forks.ask(argv=argv, environ=self.environ)["pid"], port)
        self.workers[worker.pid] = worker
        return worker

    def kill(self, pid: int) -> None:
        self.workers[pid].signal(signal.SIGKILL)
        self.wait_exit(pid)

    def wait_exit(self, pid: int) -> int:
        """Wait until the worker has ended, forget it and return its exit code."""
        worker = self.workers.pop(pid)
        ended: list[int] = []

        def has_ended() -> bool:
            code = worker.exit_code()
            ended.extend([] if code is None else [code])
            return bool(ended)

        until(has_ended, f"worker {pid} ends")
        return ended[0]

    def stop(self) -> None:
        for pid in list(self.workers):
            self.kill(pid)
        self.conn.close()

    def submit(self, *questions: str, tenant: str = "test", priority: str = "interactive") -> list[UUID]:
        async def submit_all(pool: db.Pool) -> list[UUID]:
            orders = [runs.Order(question, tenant, tenant, priority) for question in questions]
            return [(await runs.submit(pool, order))[0].id for order in orders]

        return self.with_pool(submit_all)

    def with_pool(self, do: Callable[[db.Pool], Awaitable[T]]) -> T:
        """Return what `do` returns for a pool of one connection."""

        async def opened() -> T:
            async with await db.open_pool(self.settings, max_size=1) as pool:
                return await do(pool)

        return asyncio.run(opened())

    def run(self, run_id: UUID) -> dict[str, Any]:
        return self.rows("SELECT * FROM runs WHERE id = %s", run_id)[0]

    def wait_final(self, *run_ids: UUID) -> None:
        query = "SELECT count(*) FROM runs WHERE id = ANY(%s) AND state IN ('done', 'failed', 'cancelled')"
        until(lambda: self.one(query, list(run_ids)) == len(run_ids), "all runs are final")

    def started(self, node: str, run_id: UUID | None = None) -> dict[str, Any]:
        """Return the newest unfinished `started` row of a running run by one of our live workers, empty if none."""
        query = """
            SELECT s.* FROM run_events s JOIN runs r ON r.id = s.run_id AND r.fence = s.fence AND r.state = 'running'
            WHERE s.event = 'started' AND s.node = %s AND s.pid = ANY(%s) AND (%s::uuid IS NULL OR s.run_id = %s)
              AND NOT EXISTS (SELECT FROM run_events f WHERE f.event = 'finished' AND f.run_id = s.run_id
                              AND f.task_id = s.task_id AND f.fence = s.fence)
            ORDER BY s.id DESC LIMIT 1
        """
        found = self.rows(query, node, list(self.workers), run_id, run_id)
        return found[0] if found else {}


@contextmanager
def jobs(
    server: Postgres,
    forks: ForkServer,
    name: str,
    *,
    graph: str = TINY,
    services: Mapping[str, str] | None = None,
    **variables: str,
) -> Iterator[Jobs]:
    """Yield runs and workers on a database of their own; whatever is left of the workers is killed at the end.

    `variables` are settings without their prefix, in lower case: `node_pace_seconds="0.3"`; `services` holds what the
    real graph needs besides (CHROMA_URL and the like).
    """
    prefixed = {f"RESEARCH_ASSISTANT_{key.upper()}": value for key, value in variables.items()}
    made = Jobs(server.create_database(name), forks, {**(services or {}), **prefixed}, graph)
    try:
        yield made
    finally:
        made.stop()
