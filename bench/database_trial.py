"""Kill -9 PostgreSQL under load, again and again: run `python -m bench.database_trial [--kills 20]`.

Four workers of the real graph, ten open runs, and a client that submits all the time. The server's first process is
killed at a random moment while runs are under way, and started again. A submission that returned is acknowledged.
Bars: each acknowledged run is done, or a dead letter with its reason; nothing doubled, run again or forked.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
from research_assistant.db import is_connection_lost

from bench.support.figures import Figures
from bench.support.violence import QUESTION, percentile, real_system
from bongsu.core.errors import UnreachableError
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from tests.real.support.jobs import Jobs
    from tests.real.support.pg import Postgres

KILLS, WORKERS, OPEN_RUNS, PACE, SEED = 5, 4, 10, "0.1", 5
LONGEST_WAIT = 1.5


class Client:
    """Submits a question whenever fewer than OPEN_RUNS of its own are open, and remembers what was acknowledged."""

    def __init__(self, j: Jobs) -> None:
        self._j = j
        self.acknowledged: list[UUID] = []
        self.refused = 0
        self.stopping = threading.Event()

    def submit_all_the_time(self) -> None:
        """Submit until told to stop."""
        while not self.stopping.wait(0.05):
            try:
                with psycopg.connect(self._j.url, connect_timeout=5) as conn:
                    query = "SELECT count(*) FROM runs WHERE state IN ('queued', 'running')"
                    (open_runs,) = conn.execute(query).fetchone() or (0,)
                if open_runs < OPEN_RUNS:
                    self.acknowledged += self._j.submit(QUESTION)
            except (psycopg.Error, UnreachableError) as error:
                if isinstance(error, psycopg.Error) and not is_connection_lost(error):
                    raise
                self.refused += 1


def trial(server: Postgres, j: Jobs, kills: int, chance: random.Random) -> Figures:
    """Kill the server `kills` times, let all acknowledged runs end, print the figures."""
    client = Client(j)
    while len(j.workers) < WORKERS:
        j.spawn()
    with ThreadPoolExecutor(1) as threads:
        submitting = threads.submit(client.submit_all_the_time)
        try:
            outages = [kill_under_load(server, j, chance) for _ in range(kills)]
        finally:
            client.stopping.set()
        submitting.result()
    open_runs = "SELECT count(*) FROM runs WHERE id = ANY(%s) AND state IN ('queued', 'running')"
    until(lambda: not j.one(open_runs, client.acknowledged), "no acknowledged run is open")  # a lost one is not there
    return judge(j, client, outages)


def kill_under_load(server: Postgres, j: Jobs, chance: random.Random) -> float:
    """Kill the server while runs are under way, start it again; return the seconds until a worker claimed a run."""
    until(lambda: j.one("SELECT count(*) FROM runs WHERE state = 'running'") > 1, "runs are under way")
    time.sleep(chance.uniform(0, LONGEST_WAIT))
    last = j.one("SELECT max(id) FROM run_events")
    killed = time.monotonic()
    server.kill()
    server.start()
    j.reconnect()
    query = "SELECT FROM run_events WHERE id > %s AND event = 'claimed' LIMIT 1"
    until(lambda: j.rows(query, last), "a worker claims a run again")
    return time.monotonic() - killed


def judge(j: Jobs, client: Client, outages: list[float]) -> Figures:
    """Print the figures of a trial."""
    figures, total = Figures(), len(client.acknowledged)
    figures.note("acknowledged runs / refused submissions", f"{total} / {client.refused}")
    known: list[dict[str, Any]] = j.rows("SELECT state, error_kind FROM runs WHERE id = ANY(%s)", client.acknowledged)
    done = sum(1 for row in known if row["state"] == "done")
    dead = sum(1 for row in known if row["state"] == "failed" and row["error_kind"])
    figures.bar("done or dead-lettered with a reason", f"{done} + {dead}", f"{total}", good=done + dead == total)
    for what, found in (
        ("runs that ended not exactly once", j.final_twice()),
        ("finished nodes run again", j.rerun_nodes()),
        ("forked checkpoint chains", j.forked_chains()),
        ("writes under an old fence", j.stale_writes()),
    ):
        figures.bar(what, f"{len(found)}", "0", good=not found)
    alive = sum(1 for worker in j.workers.values() if worker.exit_code() is None)
    figures.bar("workers that outlived it", f"{alive}", f"{WORKERS} of {WORKERS}", good=alive == WORKERS)
    said = f"p50 {percentile(outages, 0.5):.2f} s, max {max(outages):.2f} s"
    figures.note("kill of the server to the next claim", said)
    return figures


def run(argv: Sequence[str] = ()) -> int:
    """Run the trial and print its verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args(argv)
    with real_system("database_trial", node_pace_seconds=PACE) as (server, j):
        return trial(server, j, args.kills, random.Random(args.seed)).code()  # noqa: S311 - repeatable, not a secret


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
