"""api and worker: run until SIGTERM."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from research_assistant.settings import Settings

if TYPE_CHECKING:
    from argparse import Namespace


def api(args: Namespace) -> int:
    """Serve the HTTP API."""
    import_module("research_assistant.api.server").main(Settings.from_env(), args.port)
    return 0


def worker(args: Namespace) -> int:
    """Run questions from the queue."""
    import_module("research_assistant.worker").main(Settings.from_env(), args.metrics_port)
    return 0
