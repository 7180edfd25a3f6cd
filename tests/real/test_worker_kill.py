"""Kill -9 workers in the middle of runs: nothing is lost, nothing is done twice, nothing forks."""

from __future__ import annotations

import os
import signal
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from bongsu.core.conventions import NODES
from tests.real.support.jobs import LEASE_SECONDS, ForkServer, Jobs, jobs
from tests.real.support.services import ingest, services
from tests.real.support.waiting import until
from tests.real.support.worker import REAL

if TYPE_CHECKING:
    from tests.real.support.pg import Postgres

WORKERS = 4
KILLS_PER_NODE = int(os.environ.get("KILLS_PER_NODE", "5"))
OPEN_RUNS = 10
PACE = "0.3"  # seconds a node takes at least: the time to kill its worker in
QUESTION = "What is an error budget, and how does a fencing token stop a zombie worker?"


def keep_busy(j: Jobs) -> None:
    """Keep enough runs open that every kind of node is always running somewhere, and the pool of workers full."""
    missing = OPEN_RUNS - j.one("SELECT count(*) FROM runs WHERE state IN ('queued', 'running')")
    if missing > 0:
        j.submit(*[QUESTION] * missing)
    while len(j.workers) < WORKERS:
        j.spawn()


def kill_in(j: Jobs, node: str) -> dict[str, Any]:
    """Kill -9 the worker of a running `node`; return what it ran, empty when the node ended before the worker did."""

    def running() -> dict[str, Any]:
        keep_busy(j)
        return j.started(node)

    row = until(running, f"a {node} runs")
    j.kill(row["pid"])
    query = """
        SELECT r.id, r.fence, clock_timestamp() AS at FROM runs r
        WHERE r.id = %s AND r.fence = %s AND r.state = 'running' AND NOT EXISTS (
            SELECT FROM run_events f WHERE f.run_id = r.id AND f.task_id = %s AND f.event = 'finished')
    """
    found = j.rows(query, row["run_id"], row["fence"], row["task_id"])
    return found[0] if found else {}


def kill_in_each(j: Jobs, times: int) -> None:
    """Kill workers `times` times in each kind of node, let all runs end, and check what a kill must not do."""
    killed: dict[str, list[dict[str, Any]]] = {node: [] for node in NODES}
    for node in islice(cycle(NODES), times * len(NODES)):
        while not (victim := kill_in(j, node)):
            pass
        killed[node].append(victim)
    keep_busy(j)
    everything = [row["id"] for row in j.rows("SELECT id FROM runs")]
    j.wait_final(*everything)
    query = "SELECT extract(epoch FROM min(at) - %s)::float8 FROM run_events WHERE run_id = %s AND fence > %s"
    waits = sorted(j.one(query, run["at"], run["id"], run["fence"]) for runs in killed.values() for run in runs)
    counts = {node: len(runs) for node, runs in killed.items()}
    print(
        f"killed {counts}, runs {len(everything)}, taken over after p50 {waits[len(waits) // 2]:.2f} s, "
        f"max {waits[-1]:.2f} s (lease {LEASE_SECONDS} s)"
    )
    assert set(counts.values()) == {times}
    assert j.not_done() == []
    assert j.final_twice() == []
    assert j.rerun_nodes() == []
    assert j.incomplete_ledgers() == []
    assert j.forked_chains() == []


def test_twenty_killed_workers_lose_no_run_rerun_no_finished_node_and_fork_no_chain(
    server: Postgres, forks: ForkServer
) -> None:
    with (
        services() as variables,
        jobs(server, forks, "kills", graph=REAL, services=variables, node_pace_seconds=PACE) as j,
    ):
        ingest(j.environ)
        kill_in_each(j, times=KILLS_PER_NODE)


def test_the_same_holds_for_a_graph_with_nothing_in_its_nodes(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "tiny_kills", node_pace_seconds=PACE) as j:
        kill_in_each(j, times=1)


def stall_in_researcher(j: Jobs, *flags: str) -> tuple[int, int]:
    """Stop a worker in a researcher past its lease until another has finished the run, then let it go on.

    Returns the pids of the stalled worker and of its successor.
    """
    stalled = j.spawn(*flags)
    (run_id,) = j.submit("a question")
    until(lambda: j.started("researcher", run_id), "a researcher runs")
    stalled.signal(signal.SIGSTOP)
    successor = j.spawn(*flags)
    j.wait_final(run_id)
    assert j.run(run_id)["worker"].endswith(f"-{successor.pid}")
    stalled.signal(signal.SIGCONT)
    return stalled.pid, successor.pid


def test_a_worker_that_stalled_past_its_lease_has_its_write_rejected_and_counted(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "stalled", node_pace_seconds="0.5") as j:
        stalled, _ = stall_in_researcher(j)
        worker = j.workers[stalled]
        until(lambda: worker.metric("bongsu_fenced_writes_total") >= 1, "the write is rejected")
        assert worker.metric('bongsu_events_total{kind="run",outcome="good"}') == 0
        assert j.one("SELECT count(*) FROM run_events WHERE fence = 1 AND node IN ('synthesizer', 'critic')") == 0
        # It has abandoned the run and works on.
        (later,) = j.submit("another question")
        j.wait_final(later)
        assert j.not_done() == []
        assert j.forked_chains() == []
        assert j.rerun_nodes() == []


def test_without_the_fence_the_same_stall_forks_the_chain(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "unfenced", node_pace_seconds="0.5") as j:
        stall_in_researcher(j, "--unfenced")
        until(j.forked_chains, "the chain forks")
        assert j.final_twice() == []  # the result has a fence of its own
