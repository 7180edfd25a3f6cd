"""Retention on a real database: what is too old goes, what is young, under way or wanted for a replay stays."""

from __future__ import annotations

import subprocess
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import pytest
from research_assistant import letters, retention, runs
from research_assistant.settings import Retention

from bongsu.core.conventions import PRUNED
from tests.real.support.assistant import SCRIPT
from tests.real.support.jobs import ForkServer, Jobs, jobs
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from tests.real.support.pg import Postgres

KEEP = Retention(**dict.fromkeys(asdict(Retention()), 0.0))
CHECKPOINTS = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
TABLES = ("runs", "run_events", "feedback", "sessions", "llm_usage", *CHECKPOINTS)


@pytest.fixture
def j(server: Postgres, forks: ForkServer, request: pytest.FixtureRequest) -> Iterator[Jobs]:
    """Give a done run, a dead letter, both a hundred days old, and a done run of today, with all that hangs on them."""
    with jobs(server, forks, f"keep_{request.node.name[5:40]}") as made:
        worker = made.spawn()
        made.submit("old", "llm_server in critic", "young")
        made.wait_final(*[row["id"] for row in made.rows("SELECT id FROM runs")])
        until(lambda: not made.rows("SELECT FROM pgqueuer"), "the jobs are removed")
        made.kill(worker.pid)
        made.conn.execute(
            """INSERT INTO sessions (tenant, owner) SELECT tenant, question FROM runs;
               UPDATE runs SET session_id = sessions.id FROM sessions WHERE sessions.owner = question;
               INSERT INTO feedback (run_id, tenant, owner, score) SELECT id, tenant, owner, 5 FROM runs;
               INSERT INTO llm_usage (run_id, endpoint, model, input_tokens, output_tokens, usd)
                   SELECT id, 'primary', 'gpt-4o', 1, 1, 0.1 FROM runs;
               UPDATE sessions SET last_at = now() - interval '100 days' WHERE owner <> 'young';
               UPDATE llm_usage SET at = now() - interval '100 days'
                   FROM runs WHERE runs.id = run_id AND question <> 'young';
               UPDATE run_events SET at = run_events.at - interval '100 days'
                   FROM runs WHERE runs.id = run_id AND question <> 'young';
               UPDATE feedback SET at = feedback.at - interval '100 days'
                   FROM runs WHERE runs.id = run_id AND question <> 'young';
               UPDATE runs SET submitted_at = submitted_at - interval '100 days',
                   finished_at = finished_at - interval '100 days' WHERE question <> 'young';
               UPDATE pgqueuer_log SET created = now() - interval '100 days'
                   WHERE id IN (SELECT id FROM pgqueuer_log ORDER BY id LIMIT 4)"""
        )
        yield made


def counts(j: Jobs) -> dict[str, int]:
    return {table: j.one(f"SELECT count(*) FROM {table}") for table in TABLES}  # noqa: S608


def prune(j: Jobs, **days: float) -> dict[str, int]:
    pruned = j.with_pool(partial(retention.prune, retention=Retention(**(asdict(KEEP) | days))))
    assert pruned is not None
    return {what: rows for what, rows in pruned.items() if rows}


def run_of(j: Jobs, question: str) -> UUID:
    found: UUID = j.one("SELECT id FROM runs WHERE question = %s", question)
    return found


def test_each_kind_has_its_days_and_zero_keeps_everything(j: Jobs) -> None:
    assert set(asdict(KEEP)) == set(PRUNED) == set(retention.STATEMENTS)
    before = counts(j)
    assert prune(j) == {}
    assert counts(j) == before


def test_checkpoints_go_first_but_those_of_dead_letters_stay_for_their_replay(j: Jobs) -> None:
    assert prune(j, checkpoints=30)["checkpoints"] > 3
    left = {row["thread_id"] for row in j.rows("SELECT DISTINCT thread_id FROM checkpoints")}
    dead = run_of(j, "llm_server in critic")
    assert left == {str(dead), str(run_of(j, "young"))}
    for table in ("checkpoint_blobs", "checkpoint_writes"):
        assert {row["thread_id"] for row in j.rows(f"SELECT DISTINCT thread_id FROM {table}")} == left  # noqa: S608
    assert counts(j)["runs"] == 3
    j.with_pool(partial(runs.replay, run_id=dead))
    j.spawn()
    until(lambda: j.run(dead)["state"] == "failed", "the replay fails as before")
    assert j.one("SELECT count(*) FROM run_events WHERE run_id = %s AND event = 'started' AND fence > 1", dead) == 1


def test_a_run_takes_with_it_all_that_is_its_own_and_usage_stays_without_its_name(j: Jobs) -> None:
    young = run_of(j, "young")
    assert prune(j, runs=90) == {"runs": 2}
    after = counts(j)
    assert (after["runs"], after["feedback"], after["sessions"], after["llm_usage"]) == (1, 1, 3, 3)
    for table in ("run_events", "feedback"):
        assert {row["run_id"] for row in j.rows(f"SELECT run_id FROM {table}")} == {young}  # noqa: S608
    for table in CHECKPOINTS:
        assert {row["thread_id"] for row in j.rows(f"SELECT thread_id FROM {table}")} == {str(young)}  # noqa: S608
    assert j.one("SELECT count(*) FROM llm_usage WHERE run_id IS NULL") == 2


def test_every_other_kind_goes_by_its_own_age(j: Jobs) -> None:
    assert prune(j, feedback=90, usage=90, sessions=90, queue_log=7) == {
        "feedback": 2,
        "usage": 2,
        "sessions": 2,
        "queue_log": 4,
    }
    assert set(prune(j, run_events=90)) == {"run_events"}
    assert j.with_pool(partial(letters.history, run_id=run_of(j, "old"))) == []
    assert j.with_pool(partial(letters.history, run_id=run_of(j, "young"))) != []
    assert counts(j)["runs"] == 3


def test_what_is_under_way_is_never_touched(j: Jobs) -> None:
    (waiting,) = j.submit("a question that has waited for a year")
    j.conn.execute("UPDATE runs SET submitted_at = now() - interval '1 year' WHERE id = %s", (waiting,))
    j.conn.execute("UPDATE run_events SET at = now() - interval '1 year' WHERE run_id = %s", (waiting,))
    prune(j, runs=1, run_events=1)
    assert j.run(waiting)["state"] == "queued"
    assert j.with_pool(partial(letters.history, run_id=waiting)) != []


def test_many_batches_are_deleted_one_after_the_other(j: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    assert prune(j, runs=90, usage=90) == {"runs": 2, "usage": 2}


def test_the_verb_prunes_by_the_environment_and_one_process_at_a_time(j: Jobs) -> None:
    environ = j.environ | {"RESEARCH_ASSISTANT_RETENTION_RUNS_DAYS": "50"}
    j.conn.execute("SELECT pg_advisory_lock(%s)", (retention.LOCK_KEY,))
    refused = subprocess.run([str(SCRIPT), "prune"], env=environ, capture_output=True, text=True, check=False)
    assert (refused.returncode, "another process is pruning" in refused.stderr) == (1, True)
    j.conn.execute("SELECT pg_advisory_unlock(%s)", (retention.LOCK_KEY,))
    done = subprocess.run([str(SCRIPT), "prune"], env=environ, capture_output=True, text=True, check=True)
    assert "runs: 2\n" in done.stdout


def test_a_worker_prunes_by_itself_and_counts_what_it_deleted(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "self_pruning", retention_seconds="1", retention_runs_days="0.00001") as made:
        process = made.spawn()
        made.submit("a question")
        until(lambda: made.one("SELECT count(*) FROM runs") == 0, "the run is deleted")
        until(lambda: process.metric('bongsu_rows_pruned_total{what="runs"}') == 1, "it is counted")
        assert made.one("SELECT count(*) FROM checkpoints") == 0
