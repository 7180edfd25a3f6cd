"""The life of a run on real workers: priorities, limits of tenants, cancellation, retries, dead letters."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from research_assistant import queue, runs

from bongsu.core.errors import StateError
from tests.real.support.jobs import LEASE_SECONDS, ForkServer, Jobs, jobs
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from uuid import UUID

    from tests.real.support.pg import Postgres

BATCH = 50
MOST_AT_ONCE = """
    WITH moves AS (
        SELECT e.at, e.event, lag(e.event) OVER (PARTITION BY e.run_id ORDER BY e.id) AS before
        FROM run_events e JOIN runs r ON r.id = e.run_id
        WHERE coalesce(r.tenant, r.owner) = %s
          AND e.event IN ('claimed', 'done', 'failed', 'cancelled', 'retried', 'released')
    ),
    edges AS (
        SELECT at, CASE event WHEN 'claimed' THEN 1 ELSE -1 END AS step FROM moves
        WHERE event <> 'claimed' OR before IS DISTINCT FROM 'claimed'
    )
    SELECT max(under_way)::int FROM (SELECT sum(step) OVER (ORDER BY at, step) AS under_way FROM edges) history
"""
"""A run that another worker took over was claimed twice and is under way once."""


def most_at_once(j: Jobs, tenant: str) -> int:
    """Return how many runs of the tenant were under way at once at most, by the ledger."""
    return int(j.one(MOST_AT_ONCE, tenant))


def events(j: Jobs, run_id: UUID) -> list[str]:
    """Return what happened to the run, nodes aside, in order."""
    query = "SELECT event FROM run_events WHERE run_id = %s AND node IS NULL ORDER BY id"
    return [row["event"] for row in j.rows(query, run_id)]


def claimed_order(j: Jobs) -> list[UUID]:
    return [row["run_id"] for row in j.rows("SELECT run_id FROM run_events WHERE event = 'claimed' ORDER BY id")]


def overtakes(j: Jobs, *flags: str) -> bool:
    """Submit BATCH batch runs, then one interactive; tell whether it is among the next that workers claim."""
    slots = 2
    j.submit(*["batch question"] * BATCH, priority="batch")
    j.spawn(*flags)
    until(lambda: j.started("planner"), "the worker is busy with batch runs")
    (urgent,) = j.submit("a person's question")
    before = len(claimed_order(j))
    until(lambda: j.run(urgent)["state"] != "queued" or len(claimed_order(j)) > before + 2 * slots, "it was its turn")
    j.wait_final(urgent)
    return claimed_order(j).index(urgent) <= before + slots


def test_an_interactive_run_submitted_after_fifty_batch_runs_is_claimed_next(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "priority", node_pace_seconds="0.1") as j:
        assert overtakes(j)
        assert j.one("SELECT count(*) FROM runs WHERE state = 'queued'") > BATCH - 20


def test_with_the_order_reversed_the_same_interactive_run_waits_behind_the_batch(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "reversed", node_pace_seconds="0.1") as j:
        assert not overtakes(j, "--reversed")


def test_a_tenant_never_has_more_runs_under_way_than_its_limit_and_blocks_nobody(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "tenants", node_pace_seconds="0.1", tenant_concurrency="2", concurrency="4") as j:
        j.conn.execute("INSERT INTO tenants (name, concurrency) VALUES ('big', 3)")
        greedy = j.submit(*["a question"] * 20, tenant="greedy")
        big = j.submit(*["a question"] * 12, tenant="big")
        for _ in range(3):
            j.spawn()
        until(lambda: j.started("planner"), "workers are busy")
        (small,) = j.submit("a question", tenant="small")
        j.wait_final(small)
        assert j.one("SELECT count(*) FROM runs WHERE id = ANY(%s) AND state = 'queued'", greedy) > 10
        j.wait_final(*greedy, *big)
        assert (most_at_once(j, "greedy"), most_at_once(j, "big"), most_at_once(j, "small")) == (2, 3, 1)
        assert j.not_done() == []


def test_a_limit_that_nobody_enforces_is_seen_to_be_exceeded(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "unlimited", node_pace_seconds="0.1", tenant_concurrency="1", concurrency="3") as j:
        runs_of_one = j.submit(*["a question"] * 3)
        j.spawn("--unlimited")
        j.wait_final(*runs_of_one)
        assert most_at_once(j, "test") > 1


def test_the_run_of_a_worker_that_went_quiet_keeps_its_place_until_another_one_takes_it_over(
    server: Postgres, forks: ForkServer
) -> None:
    """It may only have been slow: a more urgent run in its place would be one too many when it comes back."""
    with jobs(server, forks, "quiet", node_pace_seconds="0.2", tenant_concurrency="1") as j:
        slow = j.spawn()
        (held,) = j.submit("a question", priority="batch")
        until(lambda: j.started("planner", held), "the planner runs")
        slow.signal(signal.SIGSTOP)
        (urgent,) = j.submit("a question")
        j.spawn()
        j.wait_final(held, urgent)
        assert claimed_order(j) == [held, held, urgent]
        assert most_at_once(j, "test") == 1


def test_runs_of_a_dead_worker_count_against_their_tenant_until_another_one_takes_them_over(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "dead_tenant", tenant_concurrency="1") as j:
        first = j.spawn()
        (held,) = j.submit("block in planner")
        until(lambda: j.started("planner", held), "the planner runs")
        (waiting,) = j.submit("a question")
        j.spawn()
        j.kill(first.pid)
        j.with_pool(partial(runs.cancel, run_id=held))
        j.wait_final(held, waiting)
        waited = j.one(
            """SELECT extract(epoch FROM w.at - h.at)::float8 FROM run_events w, run_events h
               WHERE w.run_id = %s AND w.event = 'claimed' AND h.run_id = %s AND h.event = 'started' LIMIT 1""",
            waiting,
            held,
        )
        assert waited < LEASE_SECONDS + 5
        assert j.run(waiting)["state"] == "done"


def test_a_queued_run_is_cancelled_at_once_and_never_claimed(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "cancel_queued") as j:
        (run_id,) = j.submit("a question")
        assert j.with_pool(partial(runs.cancel, run_id=run_id)) == "cancelled"
        assert j.with_pool(partial(runs.cancel, run_id=run_id)) == "cancelled"
        (other,) = j.submit("another question")
        j.spawn()
        j.wait_final(other)
        assert events(j, run_id) == ["queued", "cancelled"]
        assert j.with_pool(partial(runs.cancel, run_id=other)) == "done"


def test_a_running_run_is_cancelled_by_its_worker_within_a_second_and_the_worker_goes_on(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "cancel_running") as j:
        process = j.spawn()
        (run_id,) = j.submit("block in researcher")
        until(lambda: j.started("researcher", run_id), "a researcher runs")
        assert j.with_pool(partial(runs.cancel, run_id=run_id)) == "running"
        j.wait_final(run_id)
        run = j.run(run_id)
        assert run["state"] == "cancelled"
        assert (run["finished_at"] - run["cancel_requested_at"]).total_seconds() < 2  # 0.5 s and a busy machine
        assert events(j, run_id) == ["queued", "claimed", "cancelled"]
        assert process.metric("bongsu_runs_cancelled_total") == 1
        (other,) = j.submit("another question")
        j.wait_final(other)
        assert j.run(other)["state"] == "done"
        until(lambda: not j.rows("SELECT FROM pgqueuer"), "its jobs are removed")


def test_a_cancelled_run_whose_worker_died_is_ended_by_the_next_one(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "cancel_dead") as j:
        first = j.spawn()
        (run_id,) = j.submit("block in critic")
        until(lambda: j.started("critic", run_id), "the critic runs")
        j.kill(first.pid)
        assert j.with_pool(partial(runs.cancel, run_id=run_id)) == "running"
        j.spawn()
        j.wait_final(run_id)
        assert events(j, run_id) == ["queued", "claimed", "claimed", "cancelled"]


def test_a_batch_run_is_tried_again_with_growing_pauses_and_goes_on_from_its_last_node(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "retry", retry_seconds="0.4") as j:
        process = j.spawn()
        (run_id,) = j.submit("llm_server under 3 in synthesizer", priority="batch")
        j.wait_final(run_id)
        run = j.run(run_id)
        assert (run["state"], run["tries"], run["fence"]) == ("done", 3, 4)
        assert events(j, run_id) == ["queued", *["claimed", "retried"] * 3, "claimed", "done"]
        assert j.rerun_nodes() == []
        assert j.one("SELECT count(*) FROM run_events WHERE event = 'started' AND node = 'planner'") == 1
        assert pauses(j, run_id)[0] < pauses(j, run_id)[2]
        assert all(least <= pause for least, pause in zip((0.2, 0.4, 0.8), pauses(j, run_id), strict=True))
        details = [r["detail"] for r in j.rows("SELECT detail FROM run_events WHERE event = 'retried' ORDER BY id")]
        assert details[0].startswith("llm_server: llm_server on request; again in 0.")
        assert process.metric('bongsu_runs_retried_total{kind="llm_server"}') == 3
        assert process.metric("bongsu_runs_resumed_total") == 0


def pauses(j: Jobs, run_id: UUID) -> list[float]:
    """Return the seconds between each retry and the claim after it."""
    query = "SELECT event, at FROM run_events WHERE run_id = %s AND event IN ('claimed', 'retried') ORDER BY id"
    rows = j.rows(query, run_id)[1:]
    return [(c["at"] - r["at"]).total_seconds() for r, c in zip(rows[::2], rows[1::2], strict=True)]


@pytest.mark.parametrize(
    ("question", "priority", "claims"),
    [
        ("llm_server in synthesizer", "interactive", 1),
        ("llm_server in synthesizer", "batch", 4),
        ("llm_auth in planner", "batch", 1),
        ("bug in planner", "batch", 1),
        ("citations in critic", "batch", 1),
    ],
)
def test_a_run_without_another_try_is_a_dead_letter_with_its_reason(
    server: Postgres, forks: ForkServer, question: str, *, priority: str, claims: int
) -> None:
    name = f"dead_{priority}_{question.replace(' ', '_')}"
    with jobs(server, forks, name, retry_seconds="0.1", run_deadline_seconds="60") as j:
        process = j.spawn()
        (run_id,) = j.submit(question, priority=priority)
        j.wait_final(run_id)
        assert events(j, run_id) == ["queued", *["claimed", "retried"] * (claims - 1), "claimed", "failed"]
        kind = "unhandled" if question.startswith("bug") else question.partition(" ")[0]
        assert j.run(run_id)["error_kind"] == kind
        until(lambda: process.metric(f'bongsu_dead_letters_total{{kind="{kind}"}}') == 1, "it is counted")


def test_a_try_has_a_deadline_of_its_own(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "deadlines", retry_seconds="2.2", run_deadline_seconds="2") as j:
        j.spawn()
        (run_id,) = j.submit("search under 2 in researcher", priority="batch")
        j.wait_final(run_id)
        assert j.run(run_id)["state"] == "done"  # its pauses alone took longer than one deadline


def test_a_replayed_dead_letter_is_the_same_run_and_keeps_its_finished_nodes(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "replay") as j:
        j.spawn()
        (run_id, done) = j.submit("llm_server under 1 in critic", "a question")
        j.wait_final(run_id, done)
        assert j.run(run_id)["state"] == "failed"
        replayed = j.with_pool(partial(runs.replay, run_id=run_id))
        assert (replayed.state, replayed.tries, replayed.error_kind) == ("queued", 0, None)
        until(lambda: j.run(run_id)["state"] == "done", "the replay ends")
        assert events(j, run_id) == ["queued", "claimed", "failed", "replayed", "claimed", "done"]
        started = "SELECT count(*) FROM run_events WHERE run_id = %s AND event = 'started' AND fence > 1"
        assert j.one(started, run_id) == 1  # the critic alone
        with pytest.raises(StateError, match="only a failed one"):
            j.with_pool(partial(runs.replay, run_id=done))
        assert j.forked_chains() == []


def test_a_run_between_two_tries_can_be_cancelled_and_makes_no_queue_look_stuck(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "between", retry_seconds="300") as j:
        j.spawn()
        (run_id,) = j.submit("search in researcher", priority="batch")
        until(lambda: "retried" in events(j, run_id), "it waits for its next try")
        assert waiting(j) == {"interactive": (0, 0.0), "batch": (0, 0.0)}
        until(lambda: j.rows("SELECT FROM pgqueuer WHERE status = 'queued'"), "its job is given back")
        assert j.with_pool(partial(runs.cancel, run_id=run_id)) == "cancelled"
        assert j.rows("SELECT FROM pgqueuer") == []


def waiting(j: Jobs) -> Any:
    return j.with_pool(queue.depths_and_ages)
