"""The worker process from its start to its end: failures, deadlines, SIGTERM, a database that restarts, lost jobs."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import pytest
from research_assistant import db, runs, worker
from research_assistant.checkpoints import FencedSaver

from bongsu.core.errors import StateError, UnreachableError
from tests.real.support import tiny_graph
from tests.real.support.jobs import ForkServer, Jobs, jobs
from tests.real.support.pg import Postgres, free_port, postgres
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from uuid import UUID

GOOD = 'bongsu_events_total{kind="run",outcome="good"}'
BAD = 'bongsu_events_total{kind="run",outcome="bad"}'


def errors(kind: str) -> str:
    return f'bongsu_errors_total{{kind="{kind}"}}'


def test_each_ending_of_a_run_is_written_and_counted_once_by_its_kind(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "endings") as j:
        process = j.spawn()
        done, classified, bug = j.submit("a question", "llm_server in synthesizer", "bug in researcher")
        j.wait_final(done, classified, bug)
        assert j.run(done)["answer"] == "finding 1 and finding 2"
        assert j.run(done)["citations"] == [{"number": 1, "title": "t", "url": "u", "quote": "q", "source": "web"}]
        assert (j.run(classified)["error_kind"], j.run(classified)["error_detail"]) == (
            "llm_server",
            "llm_server on request",
        )
        assert (j.run(bug)["error_kind"], j.run(bug)["error_detail"]) == ("unhandled", "ValueError")
        until(lambda: process.metric(GOOD) + process.metric(BAD) == 3, "the last run is counted")
        counted = [process.metric(line) for line in (GOOD, BAD, errors("llm_server"), errors("unhandled"))]
        assert counted == [1, 2, 1, 1]
        assert process.metric('bongsu_run_duration_seconds_count{class="compound"}') == 1
        assert j.final_twice() == []
        until(lambda: j.rows("SELECT id FROM pgqueuer") == [], "their jobs are gone")


def test_the_deadline_counts_from_the_first_start_and_not_from_the_takeover(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "deadline", run_deadline_seconds="4") as j:
        for worker_process in (j.spawn(), j.spawn()):
            until(worker_process.serves, "the worker serves")
        (run_id,) = j.submit("block in planner")
        first = until(lambda: j.started("planner", run_id), "the planner runs")["pid"]
        j.kill(first)
        (second,) = j.workers.values()
        j.wait_final(run_id)
        run = j.run(run_id)
        assert (run["state"], run["error_kind"], run["fence"]) == ("failed", "deadline", 2)
        assert 4 <= (run["finished_at"] - run["started_at"]).total_seconds() < 7
        until(lambda: second.metric(errors("deadline")) == 1, "the failure is counted")


def test_sigterm_ends_the_run_at_its_superstep_and_another_worker_goes_on_from_there(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "sigterm", node_pace_seconds="0.5") as j:
        first = j.spawn()
        (run_id,) = j.submit("a question")
        until(lambda: j.started("researcher", run_id), "a researcher runs")
        first.signal(signal.SIGTERM)
        assert j.wait_exit(first.pid) == 0
        assert j.run(run_id)["state"] == "running"
        assert j.one("SELECT count(*) FROM run_events WHERE event = 'finished' AND node = 'researcher'") == 2
        j.spawn()
        j.wait_final(run_id)
        assert j.not_done() == []
        assert j.one("SELECT count(*) FROM run_events WHERE event = 'started'") == 5  # no node ran twice
        assert j.forked_chains() == []


def test_sigterm_hands_a_run_that_does_not_end_back_within_the_bound(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "bound", drain_seconds="1") as j:
        first = j.spawn()
        (run_id,) = j.submit("block in critic")
        until(lambda: j.started("critic", run_id), "the critic runs")
        first.signal(signal.SIGTERM)
        assert j.wait_exit(first.pid) == 0
        assert j.rows("SELECT status::text FROM pgqueuer") == [{"status": "queued"}]
        assert j.one("SELECT count(*) FROM run_events WHERE event = 'released'") == 1


def test_a_run_that_loses_its_connection_is_handed_back_and_resumed_but_a_wrong_statement_fails_it(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "connection") as j:
        process = j.spawn()
        lost, wrong = j.submit("lost in synthesizer", "wrong in planner")
        j.wait_final(lost, wrong)
        assert (j.run(lost)["state"], j.run(lost)["fence"]) == ("done", 2)
        assert (j.run(wrong)["state"], j.run(wrong)["error_kind"]) == ("failed", "database")
        assert j.rerun_nodes() == []
        assert process.metric("bongsu_runs_resumed_total") == 1


def test_a_worker_survives_a_restart_of_the_database_and_finishes_its_runs(forks: ForkServer) -> None:
    with postgres() as own, jobs(own, forks, "restart", node_pace_seconds="0.5") as j:
        process = j.spawn()
        (before,) = j.submit("a question")
        until(lambda: j.started("researcher", before), "a researcher runs")
        own.stop()
        own.start()
        j.reconnect()
        (after,) = j.submit("another question")
        j.wait_final(before, after)
        assert process.exit_code() is None
        assert j.not_done() == []
        assert j.rerun_nodes() == []
        assert j.forked_chains() == []


def test_a_run_whose_worker_died_between_claim_and_first_checkpoint_starts_from_its_question(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "claimed") as j:
        (run_id,) = j.submit("a question")
        assert claim(j, run_id).fence == 1
        j.spawn()
        j.wait_final(run_id)
        assert j.run(run_id)["state"] == "done"
        assert j.run(run_id)["fence"] == 2


def test_a_run_whose_worker_died_before_the_final_write_is_finished_without_running_a_node(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "unfinished") as j:
        (run_id,) = j.submit("a question")

        async def run_but_do_not_finish() -> None:
            async with await db.open_pool(j.settings, max_size=4) as pool:
                claimed = await runs.claim(pool, run_id, "died")
                assert claimed is not None
                who = {"thread_id": str(run_id), "run_id": str(run_id), "fence": claimed.fence, "worker": "died"}
                async with tiny_graph.open_graph(j.settings, pool, FencedSaver(pool)) as graph:
                    await graph.ainvoke({"question": "a question"}, {"configurable": who}, durability="sync")

        asyncio.run(run_but_do_not_finish())
        j.spawn()
        j.wait_final(run_id)
        assert j.run(run_id)["answer"] == "finding 1 and finding 2"
        assert j.one("SELECT count(*) FROM run_events WHERE event = 'started' AND fence > 1") == 0


def test_a_run_that_lost_its_job_is_queued_again(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "orphan") as j:
        (run_id,) = j.submit("a question")
        j.conn.execute("DELETE FROM pgqueuer")
        j.spawn()
        j.wait_final(run_id)
        assert j.run(run_id)["state"] == "done"


def test_a_worker_without_a_schema_or_a_database_says_so_and_what_to_do(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "no_schema") as j:
        j.conn.execute("DROP TABLE run_events")
        with pytest.raises(StateError, match="research-assistant migrate"):
            worker.main(j.settings, free_port())
    environ: dict[str, Any] = {**j.environ, "DATABASE_URL": f"postgresql://bongsu:hidden@127.0.0.1:{free_port()}/none"}
    with pytest.raises(UnreachableError, match="DATABASE_URL") as caught:
        worker.main(type(j.settings).from_env(environ, needs=()), free_port())
    assert "hidden" not in str(caught.value)


def claim(j: Jobs, run_id: UUID) -> runs.Claim:
    """Claim a run as a worker that then does nothing."""

    async def claim_it() -> runs.Claim | None:
        async with await db.open_pool(j.settings, max_size=1) as pool:
            return await runs.claim(pool, run_id, "died")

    claimed = asyncio.run(claim_it())
    assert claimed is not None
    return claimed
