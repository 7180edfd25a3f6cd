"""What each worker does beside its runs, again and again: queue lost runs, notice cancelled ones, delete old rows."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import psycopg

from research_assistant import db, queue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


async def again_and_again(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Call `work` every `seconds` until cancelled, the first time after one pause; wait out a database that is away."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except psycopg.Error as error:
            if not db.is_connection_lost(error):
                raise
            # Said once, by the queue's own statements, which wait for the end of the outage.


async def queue_orphans(pool: db.Pool) -> None:
    """Queue unfinished runs again that have lost their job."""
    for run_id, tenant in await queue.requeue_orphans(pool):
        told = {"run_id": str(run_id), "tenant": tenant}
        log.error("the run had lost its job and was queued again", extra=told)
