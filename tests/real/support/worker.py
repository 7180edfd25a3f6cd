"""Run workers over a graph of the tests: `python -m tests.real.support.worker --port N [--graph MODULE:NAME]`.

With `--fork-server` it reads one JSON request a line and forks: importing LangGraph takes seconds of processor time and
a test that kills twenty workers should not pay them twenty times. A forked worker is a process like any other.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import traceback
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from research_assistant import events, taking, worker
from research_assistant.checkpoints import FencedSaver
from research_assistant.settings import Settings

from bongsu.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from typing import NoReturn

    from research_assistant.db import Connection, Pool
    from research_assistant.worker import Graph, OpenGraph

REAL = "research_assistant.assembly:open_graph"
TINY = "tests.real.support.tiny_graph:open_graph"


class UnfencedSaver(FencedSaver):
    """The planted defect: a saver that does not look at the fence."""

    async def _hold_fence(self, conn: Connection, run_id: str, fence: int) -> None:
        del conn, run_id, fence


def unfenced(open_graph: OpenGraph) -> OpenGraph:
    """Return `open_graph` over a saver without a fence, and let nodes start under any."""
    events.HOLDS = ""

    @asynccontextmanager
    async def opened(settings: Settings, pool: Pool, saver: FencedSaver) -> AsyncIterator[Graph]:
        del saver
        async with open_graph(settings, pool, UnfencedSaver(pool)) as graph:
            yield graph

    return opened


def reverse_the_order() -> None:
    """Plant the defect: of the waiting runs, take the least urgent first, and keep no slot for the others."""
    in_order = taking.take
    taking.take = lambda queue, log: (
        in_order(queue, log).replace("priority DESC", "priority ASC").replace("ELSE %(reserved)s", "ELSE 0")
    )


def unlimited() -> None:
    """Plant the defect: take runs of a tenant whatever its limit."""
    limited = taking.take
    taking.take = lambda queue, log: limited(queue, log).replace("load.tenant <> ''", "false")


def load(graph: str) -> OpenGraph:
    """Return the function that `MODULE:NAME` names."""
    module, _, name = graph.partition(":")
    found: OpenGraph = getattr(import_module(module), name)
    return found


def main(argv: Sequence[str]) -> None:
    """Run one worker, or the fork server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int)
    parser.add_argument("--graph", default=TINY, help=f"what opens the graph ({REAL} is the real one)")
    parser.add_argument("--unfenced", action="store_true")
    parser.add_argument("--reversed", action="store_true")
    parser.add_argument("--unlimited", action="store_true")
    parser.add_argument("--fork-server", action="store_true")
    args = parser.parse_args(argv)
    if args.fork_server:
        serve_forks()
        return
    open_graph = load(args.graph)
    if args.reversed:
        reverse_the_order()
    if args.unlimited:
        unlimited()
    settings = Settings.from_env(needs=("DATABASE_URL",))
    logs.setup(settings.log_level)
    worker.main(settings, args.port, unfenced(open_graph) if args.unfenced else open_graph)


def serve_forks() -> None:
    """Answer `{"argv", "environ"}` with `{"pid"}`, `{"poll": pid}` with `{"exit": code or null}`; end with all."""
    alive: set[int] = set()
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        if "argv" in request:
            load(request["argv"][request["argv"].index("--graph") + 1])  # its imports are paid once, here
            pid = os.fork()
            if pid == 0:
                be_worker(request["argv"], request["environ"])
            alive.add(pid)
            answer: dict[str, Any] = {"pid": pid}
        else:
            ended, status = os.waitpid(request["poll"], os.WNOHANG)
            alive.discard(ended)
            answer = {"exit": os.waitstatus_to_exitcode(status) if ended else None}
        print(json.dumps(answer), flush=True)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)


def be_worker(argv: Sequence[str], environ: dict[str, str]) -> NoReturn:
    """Become a worker in a fresh fork and never return."""
    code = 1
    try:
        os.dup2(2, 1)  # standard output belongs to the server's answers
        os.environ.update(environ)
        main(argv)
        code = 0
    except BaseException:  # noqa: BLE001 - whatever happens, this fork must not go on as a second server
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
