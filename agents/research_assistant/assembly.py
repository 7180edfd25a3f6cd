"""The research assistant's graph over its opened services, as the worker runs it.

Apart from worker.py because these imports take seconds: they come before the first connection is made, and tests that
run the worker over a graph of their own do without them.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from research_assistant import recall, telemetry
from research_assistant.graph import build_graph
from research_assistant.services import open_services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from research_assistant.checkpoints import FencedSaver
    from research_assistant.db import Pool
    from research_assistant.settings import Settings
    from research_assistant.worker import Graph


@asynccontextmanager
async def open_graph(settings: Settings, pool: Pool, saver: FencedSaver) -> AsyncIterator[Graph]:
    """Yield the compiled graph; close its services at the end."""
    async with open_services(settings, pool) as services:
        graph = build_graph(services, saver)
        telemetry.ready()
        probing = asyncio.create_task(recall.keep_probing(services))
        try:
            yield graph
        finally:
            probing.cancel()
            with suppress(asyncio.CancelledError):
                await probing
