"""Write markers at a steady rate and acknowledge each after its commit.

One at a time and in order, so that the acknowledged numbers have no gap. Open loop: a slow store is caught up with.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg

from bongsu.core.errors import UnreachableError, UsageError
from research_assistant import db, documents
from research_assistant.markers import marker
from research_assistant.pace import stopped, told_to_stop
from research_assistant.retrieval import rollforward
from research_assistant.retrieval.chunking import article
from research_assistant.retrieval.index import VectorIndex
from research_assistant.settings import Settings
from research_assistant.verbs.store import open_store

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import AsyncIterator

MAX_RATE = 1_000.0
WRITE_SECONDS = 10.0
"""A write that takes longer counts as a store that failed: a server that hangs must not look slow for ever."""
ROLL_SECONDS = 1.0


async def run(args: Namespace) -> int:
    """Write `--rate` markers a second until SIGTERM or SIGINT, one JSON line {marker, at} each; `at` is Unix time.

    Raises UnreachableError as soon as PostgreSQL fails. Without Chroma the markers go on.
    """
    series, first = marker.checked(args.series), marker.checked_number(args.first, "--from")
    if not 0 < args.rate <= MAX_RATE:
        raise UsageError(f"the rate is {args.rate:g}", where="--rate", next=f"give markers/s, up to {MAX_RATE:g}")
    settings = Settings.from_env(needs=("DATABASE_URL", "CHROMA_URL"))
    stop = told_to_stop()
    async with open_store(settings) as pool:
        rolling = asyncio.create_task(_keep_rolling(pool, VectorIndex(settings.chroma_url)))
        try:
            async for number in _numbers(first, args.rate, stop):
                await _write(pool, series, number)
                print(json.dumps({"marker": number, "at": time.time()}), flush=True)
                if rolling.done():
                    rolling.result()  # it ends by an error only
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:  # a full disk too, not only a lost server
            raise db.unreachable(settings.database_url, error) from error
        finally:
            rolling.cancel()
            await asyncio.gather(rolling, return_exceptions=True)
    return 0


async def _numbers(first: int, rate: float, stop: asyncio.Event) -> AsyncIterator[int]:
    """Yield `rate` numbers a second from `first` on, those that are late at once, until `stop` is set."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in itertools.count(first):
        if await stopped(stop, began + (number - first) / rate - loop.time()):
            return
        yield number


async def _write(pool: db.Pool, series: str, number: int) -> None:
    source, body = marker.source(series, number), marker.body(series, number, datetime.now(UTC))
    try:
        async with asyncio.timeout(WRITE_SECONDS):
            await documents.replace(pool, source, body, article(body, default_title=source))
    except TimeoutError as error:
        raise UnreachableError(f"PostgreSQL did not commit within {WRITE_SECONDS:g} s", where=source) from error


async def _keep_rolling(pool: db.Pool, index: VectorIndex) -> None:
    """Roll the index forward about once a second; an outage of Chroma is said once, and ends nothing."""
    away = False
    while True:
        try:
            await rollforward.roll_forward(pool, index)
            away = False
        except UnreachableError as error:
            if not away:
                print(error, file=sys.stderr, flush=True)
            away = True
        await asyncio.sleep(ROLL_SECONDS)
