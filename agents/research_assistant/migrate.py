"""Bring the database to the schema this code needs: ours, the queue library's and the checkpointer's."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from alembic import command
from alembic.config import Config
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from pgqueuer.queries import Queries
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from bongsu.core.errors import StateError
from research_assistant import db

if TYPE_CHECKING:
    from collections.abc import Iterator

    from research_assistant.settings import Settings

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_KEY = 0x626F6E677375  # "bongsu": any number no other program locks in this database
LOCK_SECONDS = 60.0
LOCK_POLL_SECONDS = 0.2


def migrate(settings: Settings) -> None:
    """Create or upgrade the whole schema; doing it again, or twice at once, changes nothing.

    Call it from synchronous code. Raises UnreachableError when PostgreSQL does not answer, StateError when another
    migration holds the lock for longer than a minute.
    """
    with _connect(settings) as conn, _lock(conn, settings):
        _upgrade_own(settings)
        asyncio.run(_upgrade_libraries(settings))
    log.info("the schema is up to date")


def _connect(settings: Settings) -> psycopg.Connection:
    try:
        return psycopg.connect(settings.database_url, autocommit=True, connect_timeout=int(db.CONNECT_SECONDS))
    except psycopg.OperationalError as error:
        raise db.unreachable(settings.database_url, error) from error


@contextmanager
def _lock(conn: psycopg.Connection, settings: Settings) -> Iterator[None]:
    """Hold a session lock: it dies with this process, so a killed migration never blocks the next one.

    Tried in a loop and not waited for: a waiting statement holds a snapshot, and the checkpointer's CREATE INDEX
    CONCURRENTLY would wait for that snapshot while we wait for its lock.
    """
    deadline = time.monotonic() + LOCK_SECONDS
    while not _try_lock(conn):
        if time.monotonic() > deadline:
            raise StateError(
                f"another migration has held the lock for {LOCK_SECONDS:g} s",
                where=db.where(settings.database_url),
                next="wait for it, or find it in pg_stat_activity",
            )
        time.sleep(LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        conn.execute("SELECT pg_advisory_unlock(%s)", (LOCK_KEY,))


def _try_lock(conn: psycopg.Connection) -> bool:
    row = conn.execute("SELECT pg_try_advisory_lock(%s)", (LOCK_KEY,)).fetchone()
    return bool(row and row[0])


def _upgrade_own(settings: Settings) -> None:
    """Apply our revisions, oldest first, each in its own transaction together with its version number."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(settings.database_url), poolclass=NullPool
    )
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")


async def _upgrade_libraries(settings: Settings) -> None:
    """Let the queue library and the checkpointer create or upgrade their own tables by their own functions."""
    async with await psycopg.AsyncConnection.connect(settings.database_url, **db.CONNECTION_OPTIONS) as conn:
        queries = Queries.from_psycopg_connection(conn)
        if await queries.schema_is_installed():
            await queries.upgrade()
        else:
            await queries.install()
        await AsyncPostgresSaver(conn).setup()
