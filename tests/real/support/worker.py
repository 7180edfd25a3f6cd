"""Run one worker over a graph of the tests: `python -m tests.real.support.worker --port N [--graph MODULE:NAME]`."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from research_assistant import worker
from research_assistant.checkpoints import FencedSaver
from research_assistant.settings import Settings

from bongsu.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from research_assistant.db import Connection, Pool
    from research_assistant.worker import Graph, OpenGraph

REAL = "research_assistant.worker:open_graph"
TINY = "tests.real.support.tiny_graph:open_graph"


class UnfencedSaver(FencedSaver):
    """The planted defect: a saver that does not look at the fence."""

    async def _hold_fence(self, conn: Connection, run_id: str, fence: int) -> None:
        del conn, run_id, fence


def unfenced(open_graph: OpenGraph) -> OpenGraph:
    """Return `open_graph` over a saver without a fence."""

    @asynccontextmanager
    async def opened(settings: Settings, pool: Pool, saver: FencedSaver) -> AsyncIterator[Graph]:
        del saver
        async with open_graph(settings, pool, UnfencedSaver(pool)) as graph:
            yield graph

    return opened


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--graph", default=TINY, help=f"module:function that opens the graph ({REAL} is the real one)")
    parser.add_argument("--unfenced", action="store_true")
    args = parser.parse_args()
    module, _, name = args.graph.partition(":")
    open_graph: OpenGraph = getattr(import_module(module), name)
    needs = ("DATABASE_URL",) if args.graph == TINY else ()
    settings = Settings.from_env(needs=needs)
    logs.setup(settings.log_level)
    asyncio.run(worker.run(settings, args.port, open_graph=unfenced(open_graph) if args.unfenced else open_graph))


if __name__ == "__main__":
    main()
