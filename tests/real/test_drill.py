"""The restore drill on real components, and the planted defects that it must notice and name.

What is checked is read from the evidence by code that imports nothing of the runner.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.real.support.pg import postgres
from tests.real.support.verbs import MINUTES, Ran, with_evidence

pytestmark = [pytest.mark.proof, pytest.mark.long, pytest.mark.timeout(8 * MINUTES)]

PLANTS = {
    "flipped-bit": ("restore_failed", "its bytes are not those that were written"),
    "missing-wal": ("restore_failed", "this file of the log is missing"),
    "torn-index": ("index_wrong", "the index was built anew"),
    "changed-vector": ("index_wrong", "1 wrong"),
    "stale-vectors": ("index_wrong", "missing, 0 wrong"),
    "lost-tail": ("restore_failed", "the tail is lost"),
    "marker-gap": ("markers_missing", "gone from the database although later ones are there"),
    "wrong-configuration": ("restore_failed", "the configuration that came back"),
    "empty-backup": ("restore_failed", "the base backup is empty"),
    "log-stopped": ("log_stopped", "nobody shipped it"),
    "idle-tool": ("restore_failed", "0 files and 0 bytes"),
    "wrong-key": ("restore_failed", "the key does not open this repository"),
}


def drill(folder: Path, *options: str, environment: dict[str, str] | None = None) -> Ran:
    return with_evidence("drill", "both-stores-lost", folder, *options, environment=environment)


def test_both_stores_come_back_with_a_measured_rpo_and_rto_and_no_other_database_is_touched(tmp_path: Path) -> None:
    with postgres() as other:
        with psycopg.connect(other.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE precious AS SELECT 1 AS kept")
        strangers = dict.fromkeys(("CHROMA_URL", "OPENAI_BASE_URL", "SEARCH_URL"), "http://127.0.0.1:9/nobody")
        done = drill(tmp_path, environment={"DATABASE_URL": other.url, "PGHOST": "127.0.0.1", **strangers})
        with psycopg.connect(other.url) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            schemas = connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'bongsu%'").fetchone()
        assert (tables, schemas) == ([("precious",)], (0,))
    assert (done.exit_code, done.record["verdict"]) == (0, "passed"), done.said
    record = done.record
    print({name: record[name] for name in ("seed", "rpo", "rto", "phases") if name in record})
    journal = [event["event"] for event in record["journal"]]
    order = [journal.index(name) for name in ("gate_passed", "backed_up", "struck", "restored", "first_answer")]
    assert order == sorted(order)
    assert "prediction" in done.said
    assert "<svg" in done.file.with_suffix(".html").read_text(encoding="utf-8")


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_defect_fails_the_drill_with_its_verdict_and_its_name(tmp_path: Path, plant: str) -> None:
    verdict, words = PLANTS[plant]
    done = drill(tmp_path, "--plant", plant)
    assert done.exit_code == 1, done.said
    assert (done.record["verdict"], done.record["planted"]) == (verdict, plant), done.said
    assert words in done.record["reason"], done.said
    print(f"{plant}: {done.record['verdict']}: {done.record['reason'][:300]}")
