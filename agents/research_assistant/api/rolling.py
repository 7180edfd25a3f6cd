"""Roll the vector index forward behind uploads and deletions: the answer to them does not wait for Chroma.

Until then the words of a new document rank it alone (bm25.py), and PostgreSQL gives no text of a deleted one.
"""

from __future__ import annotations

import asyncio
import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

import psycopg

from bongsu.core.errors import BongsuError
from research_assistant.imports import collector_paused

if TYPE_CHECKING:
    from research_assistant import db
    from research_assistant.settings import Settings

log = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0
"""While Chroma or the database is away; what is outstanding stands in PostgreSQL and is not lost."""
BEHIND = """
    SELECT coalesce((SELECT max(seq) FROM chunks), 0) > coalesce((SELECT max(seq) FROM index_positions), 0)
        OR coalesce((SELECT max(seq) FROM chunk_tombstones), 0) > coalesce((SELECT max(seq) FROM index_positions), 0)
        AS behind
"""


class Roller:
    """Rolls forward when it is woken, and once at the start if a process died between a commit and its roll."""

    def __init__(self, settings: Settings, pool: db.Pool) -> None:
        self._settings, self._pool = settings, pool
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """Say that there is something to roll forward."""
        self._wanted.set()

    async def keep_rolling(self) -> None:
        """Roll forward again and again until cancelled; without Chroma configured there is nothing to do."""
        if not self._settings.chroma_url:
            return
        index: Any = None
        while True:
            try:
                if not self._wanted.is_set() and await self._behind():
                    self._wanted.set()
                await self._wanted.wait()
                self._wanted.clear()
                index = index or await asyncio.to_thread(_open, self._settings.chroma_url)
                await import_module("research_assistant.retrieval.rollforward").roll_forward(self._pool, index)
            except (BongsuError, psycopg.Error) as error:
                log.warning("the index was not rolled forward, trying again: %s", error)
                self._wanted.set()
                await asyncio.sleep(PAUSE_SECONDS)

    async def _behind(self) -> bool:
        async with self._pool.connection() as conn:
            row = await (await conn.execute(BEHIND)).fetchone()
        return bool(row and row["behind"])


def _open(url: str) -> Any:
    """Return the index; importing its library takes seconds, which a process without uploads is spared."""
    with collector_paused():
        return import_module("research_assistant.retrieval.index").VectorIndex(url)
