"""Every metric of the conventions is written by a running system: traffic in, samples out, none missing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bongsu.core.conventions import METRICS
from bongsu.core.metric import Metric
from tests.real.support.assistant import CORPUS, Assistant, running_assistant
from tests.real.support.pg import free_port
from tests.real.support.stand_ins import stop
from tests.real.support.waiting import until

ROOT = Path(__file__).parents[2]
COMPOUND = "How does a fencing token stop a zombie worker, and how does an idempotency key stop a duplicate run?"
WRITTEN_ELSEWHERE = {
    "bongsu_fenced_writes_total": "tests/real/test_worker_kill.py",  # a stalled worker's write
    "bongsu_leases_lost_total": "tests/real/test_worker_kill.py",
    "bongsu_runs_retried_total": "tests/real/test_jobs.py",  # an outage of the outside world
    "bongsu_rows_pruned_total": "tests/real/test_retention.py",  # rows of months ago
    "bongsu_shed_total": "tests/real/test_api_limits.py",  # more than the service takes
    "bongsu_interrupts_total": "tests/real/test_another_system.py",  # our own graph asks nobody
    "bongsu_series_dropped_total": "tests/unit/telemetry/test_guard.py",  # thousands of label values
    "bongsu_process_restarts_total": "tests/real/test_stack.py",  # the supervisor's
    "bongsu_proof_timestamp_seconds": "tests/real/test_prove.py",  # the supervisor's, of a proof
    "bongsu_drill_timestamp_seconds": "tests/real/test_drill.py",
    "bongsu_drill_rpo_seconds": "tests/real/test_drill.py",
    "bongsu_drill_rto_seconds": "tests/real/test_drill.py",
    "bongsu_backup_": "tests/real/test_stack.py",  # the keeper's
    "bongsu_wal_covered_timestamp_seconds": "tests/real/test_stack.py",
    "bongsu_watch_": "tests/real/test_watch.py",  # the watcher's
}
"""What no question can write: the event is another trial's, or the process is not part of the system under care."""

Samples = list[tuple[str, Mapping[str, str], float]]


def read(text: str) -> Samples:
    return [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


def unwritten(metrics: Iterable[Metric], samples: Samples) -> set[str]:
    """Return the metrics nothing was written to: a series that stands at its first 0 is none, nor is a NaN."""
    missing = set()
    for metric in metrics:
        name = f"{metric.name}_count" if metric.kind == "histogram" else metric.name
        values = [value for found, _, value in samples if found == name and not math.isnan(value)]
        if not (values if metric.kind == "gauge" else any(values)):
            missing.add(metric.name)
    return missing


def elsewhere(name: str) -> bool:
    return any(name == known or (known.endswith("_") and name.startswith(known)) for known in WRITTEN_ELSEWHERE)


OURS = [metric for metric in METRICS if not elsewhere(metric.name)]


@pytest.fixture(scope="module")
def assistant() -> Iterator[Assistant]:
    variables = {"RESEARCH_ASSISTANT_SEMCONV": "dup", "RESEARCH_ASSISTANT_RECALL_SECONDS": "2"}
    with running_assistant(CORPUS / "articles", **variables) as started:
        yield started


def scrape(assistant: Assistant) -> Samples:
    texts = [assistant.http("GET", "/metrics", key=None).body.decode()]
    for name, process in assistant.processes.items():
        if name != "api" and process.poll() is None:
            port = process.args[-1]  # type: ignore[index]
            texts.append(assistant.http("GET", f"http://127.0.0.1:{port}/metrics", key=None).body.decode())
    return [sample for text in texts for sample in read(text)]


def ask_and_score(assistant: Assistant) -> None:
    """Do what users do: questions in two languages, one of them in a session, and a score."""
    assistant.ask("번 레이트 경보는 왜 발생하지 않을 수 있습니까?")
    assistant.ask("qqq zzz xxx?")  # nothing speaks of it: a failed run
    run_id = assistant.ask(COMPOUND)["id"]
    body = json.dumps({"score": 5, "text": "good"}).encode()
    reply = assistant.http("POST", f"/v1/runs/{run_id}/feedback", body, Content_Type="application/json")
    assert reply.status < 300, reply.body
    with psycopg.connect(assistant.env["DATABASE_URL"]) as conn:
        row = conn.execute("INSERT INTO sessions (tenant, owner) VALUES ('test', 'test') RETURNING id").fetchone()
        assert row is not None
        conn.execute("UPDATE runs SET session_id = %s WHERE id = %s", (row[0], run_id))
        conn.execute(
            "INSERT INTO feedback (run_id, tenant, owner, score) VALUES (%s, 'test', 'somebody', 4)", (run_id,)
        )


def kill_a_worker_at_work(assistant: Assistant) -> None:
    """Kill the worker inside a slow node; another one takes the run over. Meanwhile somebody thinks better of it."""
    stop(assistant.processes.pop("worker"))  # type: ignore[arg-type]
    port = str(free_port())
    slow = assistant.start("slow", "worker", "--metrics-port", port, RESEARCH_ASSISTANT_NODE_PACE_SECONDS="30")
    run_id = assistant.submit("How does a client detect a truncated stream?").json["id"]
    until(lambda: assistant.http("GET", f"/v1/runs/{run_id}").json["state"] == "running", "the run at work")
    slow.kill()
    slow.wait()
    regretted = assistant.submit("Why is a backup that was never restored no backup?").json["id"]
    assert assistant.http("DELETE", f"/v1/runs/{regretted}").json["state"] == "cancelled"
    assistant.start("worker", "worker", "--metrics-port", str(free_port()))
    # A new worker imports for many seconds on a busy machine.
    until(lambda: assistant.http("GET", f"/v1/runs/{run_id}").json["state"] == "done", "the run taken over", 180)


@pytest.fixture(scope="module")
def samples(assistant: Assistant) -> Samples:
    """Drive the system and return everything it wrote."""
    ask_and_score(assistant)
    late = {metric for metric in OURS if metric.name in ("bongsu_satisfaction_ratio", "bongsu_vector_recall_ratio")}
    until(lambda: not unwritten(late, scrape(assistant)), "the gauges that are read now and then")
    first = scrape(assistant)
    kill_a_worker_at_work(assistant)
    return first + scrape(assistant)


def test_every_metric_is_written_by_a_running_system(samples: Samples) -> None:
    assert unwritten(OURS, samples) == set()


def test_a_metric_that_nothing_writes_is_found(samples: Samples) -> None:
    never = Metric("bongsu_never_total", "counter", "Declared, created at 0, and never written.")
    assert unwritten([*OURS, never], [*samples, ("bongsu_never_total", {}, 0.0)]) >= {never.name}
    forgotten = [row for row in samples if not row[0].startswith("bongsu_queue_wait_seconds")]
    assert "bongsu_queue_wait_seconds" in unwritten(OURS, forgotten)


def test_what_is_written_elsewhere_names_a_trial_that_is_there_and_only_what_is_declared() -> None:
    assert all((ROOT / trial).is_file() for trial in WRITTEN_ELSEWHERE.values())
    assert all(any(m.name.startswith(known) for m in METRICS) for known in WRITTEN_ELSEWHERE)


def test_recall_is_high_and_the_index_up_to_date(samples: Samples) -> None:
    recall = [value for name, _, value in samples if name == "bongsu_vector_recall_ratio" and not math.isnan(value)]
    assert recall
    assert all(value > 0.8 for value in recall)
    assert all(value == 0 for name, _, value in samples if name == "bongsu_vector_index_lag_changes")


def test_the_text_of_a_question_is_no_label(samples: Samples) -> None:
    words = {word for _, labels, _ in samples for word in labels.values()}
    assert not any(re.search("fencing|번 레이트|qqq", word) for word in words)
    asked = {
        (labels["language"], labels["length"])
        for name, labels, value in samples
        if name == "bongsu_questions_total" and value
    }
    assert {language for language, _ in asked} >= {"en", "ko"}


def test_both_generations_of_the_genai_conventions_agree(samples: Samples) -> None:
    def total(name: str) -> float:
        chat = "gen_ai_operation_name"
        return sum(value for found, labels, value in samples if found == name and labels.get(chat) == "chat")

    for part in ("count", "sum"):
        old = total(f"gen_ai_client_operation_duration_seconds_{part}")
        assert old > 0
        assert total(f"gen_ai_client_inference_duration_seconds_{part}") == pytest.approx(old, rel=0.001)
