"""The database as the verbs use it: what goes wrong becomes a sentence with what to do."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psycopg

from bongsu.core.errors import StateError
from research_assistant import db

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from research_assistant.settings import Settings

POOL_SIZE = 2


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[db.Pool]:
    """Yield a small pool; raise UnreachableError when the database does not answer, StateError without a schema."""
    try:
        async with await db.open_pool(settings, max_size=POOL_SIZE) as pool:
            yield pool
    except psycopg.errors.UndefinedTable as error:
        where = db.where(settings.database_url)
        raise StateError(
            "the database lacks our tables", where=where, next="run `research-assistant migrate`"
        ) from error
    except psycopg.Error as error:
        if not db.is_connection_lost(error):
            raise
        raise db.unreachable(settings.database_url, error) from error
