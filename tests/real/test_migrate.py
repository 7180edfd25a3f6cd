"""Migrations on a real database: again, twice at once, after a kill in the middle, and without a database."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest
from research_assistant import migrate
from research_assistant.settings import Settings

from bongsu.core.errors import StateError, UnreachableError
from tests.real.support.pg import free_port

if TYPE_CHECKING:
    from tests.real.support.pg import Postgres

PROGRAM = "from research_assistant import migrate, settings; migrate.migrate(settings.Settings.from_env(needs=()))"
OBJECTS = """
    SELECT 'relation', relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'constraint', conname::text FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'invalid index', indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid
"""


def settings_for(url: str) -> Settings:
    return Settings.from_env({"DATABASE_URL": url}, needs=())


def migrate_in_process(url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", PROGRAM], env={**os.environ, "DATABASE_URL": url})


def objects(url: str) -> set[tuple[str, str]]:
    with psycopg.connect(url) as conn:
        return set(conn.execute(OBJECTS).fetchall())


@pytest.fixture(scope="module")
def expected(server: Postgres) -> set[tuple[str, str]]:
    """Return the objects of a database migrated once in peace."""
    url = server.create_database("migrate_once")
    migrate.migrate(settings_for(url))
    return objects(url)


def test_the_schema_holds_our_tables_the_queue_and_the_checkpoints(expected: set[tuple[str, str]]) -> None:
    tables = {
        "runs",
        "run_events",
        "api_keys",
        "provider_choice",
        "llm_usage",
        "pgqueuer",
        "checkpoints",
        "checkpoint_writes",
    }
    assert tables <= {name for kind, name in expected if kind == "relation"}
    assert "invalid index" not in {kind for kind, _ in expected}


def test_migrating_again_changes_nothing_and_keeps_the_rows(server: Postgres, expected: set[tuple[str, str]]) -> None:
    url = server.create_database("migrate_again")
    migrate.migrate(settings_for(url))
    with psycopg.connect(url) as conn:
        conn.execute("UPDATE provider_choice SET endpoint = 'secondary'")
    migrate.migrate(settings_for(url))
    assert objects(url) == expected
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT endpoint FROM provider_choice").fetchall() == [("secondary",)]


def test_two_processes_that_migrate_at_once_both_succeed(server: Postgres, expected: set[tuple[str, str]]) -> None:
    url = server.create_database("migrate_together")
    processes = [migrate_in_process(url) for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert objects(url) == expected


def test_a_migration_killed_in_the_middle_neither_blocks_nor_breaks_the_next_one(
    server: Postgres, expected: set[tuple[str, str]]
) -> None:
    url = server.create_database("migrate_killed")
    with psycopg.connect(url) as other:
        other.execute(
            "CREATE TABLE llm_usage (id int)"
        )  # uncommitted: the first revision waits for our end in its middle
        process = migrate_in_process(url)
        with psycopg.connect(url, autocommit=True) as watch:
            waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            while not watch.execute(waiting).fetchall():
                assert process.poll() is None
        process.kill()
        process.wait()
        other.rollback()
    migrate.migrate(settings_for(url))
    assert objects(url) == expected


def test_a_migration_that_finds_the_lock_held_for_too_long_says_so(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.create_database("migrate_locked")
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 0.5)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (migrate.LOCK_KEY,))
        with pytest.raises(StateError, match="another migration"):
            migrate.migrate(settings_for(url))


def test_an_unreachable_database_is_named_with_what_to_do_and_without_its_password() -> None:
    port = free_port()
    with pytest.raises(UnreachableError, match=f"127.0.0.1:{port}/none") as caught:
        migrate.migrate(settings_for(f"postgresql://bongsu:hidden@127.0.0.1:{port}/none"))
    assert "DATABASE_URL" in str(caught.value)
    assert "hidden" not in str(caught.value)
