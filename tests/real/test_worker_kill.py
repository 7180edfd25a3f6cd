"""Kill -9 workers in the middle of runs: nothing is lost, nothing is done twice, nothing forks."""

from __future__ import annotations

import signal
from itertools import cycle, islice
from typing import TYPE_CHECKING

from bongsu.core.conventions import NODES
from tests.real.support.jobs import LEASE_SECONDS, ForkServer, Jobs, jobs
from tests.real.support.services import ingest, services
from tests.real.support.worker import REAL

if TYPE_CHECKING:
    from tests.real.support.pg import Postgres

WORKERS = 4
OPEN_RUNS = 10
PACE = {"node_pace_seconds": "0.3"}
QUESTION = "What is an error budget, and how does a fencing token stop a zombie worker?"


def keep_busy(j: Jobs) -> None:
    """Keep enough runs open that every kind of node is always running somewhere, and the pool of workers full."""
    missing = OPEN_RUNS - j.one("SELECT count(*) FROM runs WHERE state IN ('queued', 'running')")
    if missing > 0:
        j.submit(*[QUESTION] * missing)
    while len(j.workers) < WORKERS:
        j.spawn()


def kill_in(j: Jobs, node: str) -> bool:
    """Kill -9 the worker of a running `node`; tell whether the node was still running when the worker died."""
    row = j.wait(f"a {node} runs", lambda: j.started(node))
    j.kill(row["pid"])
    query = "SELECT count(*) FROM run_events WHERE event = 'finished' AND run_id = %s AND task_id = %s AND fence = %s"
    finished = j.one(query, row["run_id"], row["task_id"], row["fence"])
    running = j.one("SELECT state = 'running' AND fence = %s FROM runs WHERE id = %s", row["fence"], row["run_id"])
    return bool(running and not finished)


def kill_in_each(j: Jobs, times: int) -> None:
    """Kill workers `times` times in each kind of node, let all runs end, and check what a kill must not do."""
    killed = dict.fromkeys(NODES, 0)
    for node in islice(cycle(NODES), times * len(NODES)):
        keep_busy(j)
        while not kill_in(j, node):
            keep_busy(j)
        killed[node] += 1
    keep_busy(j)
    everything = [row["id"] for row in j.rows("SELECT id FROM runs")]
    j.wait_final(*everything)
    takeovers = j.one("SELECT sum(fence - 1)::int FROM runs")
    print(f"killed {killed}, runs {len(everything)}, takeovers {takeovers}")
    assert set(killed.values()) == {times}
    assert takeovers >= times * len(NODES)
    assert j.not_done() == []
    assert j.final_twice() == []
    assert j.rerun_nodes() == []
    assert j.incomplete_ledgers() == []
    assert j.forked_chains() == []


def test_twenty_killed_workers_lose_no_run_rerun_no_finished_node_and_fork_no_chain(
    server: Postgres, forks: ForkServer
) -> None:
    with services() as variables, jobs(server, forks, "kills", graph=REAL, services=variables, **PACE) as j:
        ingest(j.environ)
        kill_in_each(j, times=5)


def test_the_same_holds_for_a_graph_with_nothing_in_its_nodes(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "tiny_kills", **PACE) as j:
        kill_in_each(j, times=1)


def stall_in_researcher(j: Jobs, *flags: str) -> tuple[int, int]:
    """Stop a worker in a researcher past its lease until another has finished the run, then let it go on.

    Returns the pids of the stalled worker and of its successor.
    """
    stalled = j.spawn(*flags)
    (run_id,) = j.submit("a question")
    j.wait("a researcher runs", lambda: j.started("researcher", run_id))
    stalled.signal(signal.SIGSTOP)
    successor = j.spawn(*flags)
    j.wait_final(run_id, seconds=LEASE_SECONDS + 60)
    assert j.run(run_id)["worker"].endswith(f"-{successor.pid}")
    stalled.signal(signal.SIGCONT)
    return stalled.pid, successor.pid


def test_a_worker_that_stalled_past_its_lease_has_its_write_rejected_and_counted(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "stalled", node_pace_seconds="0.5") as j:
        stalled, _ = stall_in_researcher(j)
        worker = j.workers[stalled]
        j.wait("the write is rejected", lambda: worker.metric("bongsu_fenced_writes_total") >= 1)
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
        j.wait("the chain forks", j.forked_chains)
        assert j.final_twice() == []  # the result has a fence of its own
