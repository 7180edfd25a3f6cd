from __future__ import annotations

import psycopg
import pytest
from psycopg_pool import PoolTimeout
from research_assistant import db


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("connection refused"),
        psycopg.InterfaceError("the connection is closed"),
        PoolTimeout("no connection"),
        psycopg.errors.AdminShutdown("terminating connection"),
        psycopg.errors.CannotConnectNow("the database system is starting up"),
        psycopg.errors.ConnectionFailure("gone"),
        psycopg.errors.TooManyConnections("sorry, too many clients already"),
    ],
)
def test_a_server_that_is_away_counts_as_a_lost_connection(error: Exception) -> None:
    assert db.is_connection_lost(error)


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.UndefinedTable("no such table"),
        psycopg.errors.DeadlockDetected("deadlock"),
        psycopg.errors.DiskFull("no space left"),
        psycopg.errors.UniqueViolation("duplicate"),
        ValueError("a bug"),
    ],
)
def test_a_statement_that_was_wrong_does_not(error: Exception) -> None:
    assert not db.is_connection_lost(error)


def test_where_names_the_database_without_user_and_password() -> None:
    assert db.where("postgresql://user:hidden@db.example:5433/assistant") == "db.example:5433/assistant"
