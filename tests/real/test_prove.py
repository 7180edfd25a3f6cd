"""Proofs on real components, and the planted defects that each proof must notice.

What is checked here is read from the evidence by code that imports nothing of the runner.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.real.support.pg import postgres
from tests.real.support.verbs import MINUTES, Ran, with_evidence

pytestmark = pytest.mark.proof
FLOOR = 20


def prove(folder: Path, *options: str, environment: dict[str, str] | None = None) -> Ran:
    return with_evidence("prove", "openai-errors", folder, *options, environment=environment)


def fnv1a(labels: dict[str, str]) -> str:
    state = 0xCBF29CE484222325
    for byte in b"".join(part.encode() + b"\xff" for name in sorted(labels) for part in (name, labels[name])):
        state = (state ^ byte) * 0x100000001B3 % 2**64
    return f"{state:016x}"


def sessions(url: str) -> tuple[int, int]:
    """Return how many sessions the database ever had besides ours, and how many tables it holds."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select (select sessions from pg_stat_database where datname = current_database()),"
            " (select count(*) from pg_tables where schemaname = 'public')"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


@pytest.mark.timeout(8 * MINUTES)
def test_the_outage_pages_once_is_healed_by_the_runbook_and_touches_no_other_database(tmp_path: Path) -> None:
    with postgres() as other:
        before = sessions(other.url)
        urls = dict.fromkeys(
            ("CHROMA_URL", "OPENAI_BASE_URL", "OPENAI_SECONDARY_BASE_URL", "SEARCH_URL"),
            "http://127.0.0.1:9/nobody-may-call-this",
        )
        proof = prove(tmp_path, environment={"DATABASE_URL": other.url, "PGHOST": "127.0.0.1", **urls})
        after = sessions(other.url)
    assert proof.exit_code == 0, proof.said
    assert after[1] == before[1] == 0
    assert after[0] - before[0] <= 1, "somebody besides this test opened a session"

    record = proof.record
    assert record["verdict"] == "passed"
    times = record["times"]
    order = [times[name] for name in ("injected", "observed", "runbook_started", "runbook_ended")]
    assert order == sorted(order)
    assert {alert["alert"] for alert in record["alerts"]} == {
        "AnswersBudgetBurn critical tier=fast",
        "AvailabilityLow critical kind=run",
        "ErrorsHigh critical",
    }
    for alert in record["alerts"]:
        seen = [alert[name] for name in ("pending", "firing", "delivered", "cleared")]
        assert None not in seen
        assert times["injected"] < seen[0] <= seen[1] <= seen[3]
        assert alert["delivered"] <= times["runbook_started"] < alert["cleared"] <= times["undone"]
        assert alert["firing"] - times["injected"] <= alert["fire_within_seconds"]
        labels = alert["labels"]
        assert labels["prometheus"] == labels["alertmanager"] == labels["receiver"]
        assert fnv1a(labels["prometheus"]) == alert["fingerprint"] == alert["receiver_fingerprint"]
    assert len(record["dedup_keys"]) == 1
    assert record["deliveries"] == {"phone": 1, "sms": 1}
    assert record["runs"]["succeeded_since_runbook"] >= FLOOR
    hits = [line for line in record["ledger"] if line["event"] == "hit"]
    assert len(hits) == record["fault_hits"] + 1, "every hit stands in the ledger; the last look came after the count"
    assert {line["status"] for line in hits} == {500}
    assert [line["event"] for line in record["ledger"] if line["event"] != "hit"] == ["injected", "undone"]
    direct = [line for line in record["journal"] if line["event"] == "direct_request"]
    assert {line["status"] for line in direct} == {500}
    assert direct[-1]["when"] == "when the last alert had cleared"
    assert any(name.startswith("AnswersBudgetBurn") for name in record["not_covered"])


@pytest.mark.timeout(8 * MINUTES)
@pytest.mark.parametrize(
    ("plant", "verdict"),
    [
        ("pass-through", "fault_not_observed"),
        ("no-runbook-step", "not_cleared"),
        ("stop-traffic", "not_cleared"),
        ("drop-notifications", "alert_lost"),
    ],
)
def test_a_planted_defect_fails_the_proof_with_its_verdict(tmp_path: Path, plant: str, verdict: str) -> None:
    proof = prove(tmp_path, "--plant", plant)
    assert proof.exit_code == 1, proof.said
    assert (proof.record["verdict"], proof.record["planted"]) == (verdict, plant), proof.said
    if plant == "stop-traffic":
        assert "succeeded since the runbook" in proof.record["reason"]
    if plant != "pass-through":
        assert proof.record["times"]["undone"] is not None
