"""api and worker: run until SIGTERM."""

from __future__ import annotations

import errno
from importlib import import_module
from typing import TYPE_CHECKING

from bongsu.core.errors import StateError
from research_assistant import telemetry
from research_assistant.settings import SERVER_NEEDS, Settings

if TYPE_CHECKING:
    from argparse import Namespace

WORKER_NEEDS = (*SERVER_NEEDS, "RESEARCH_ASSISTANT_API_URL")
"""A worker writes the addresses of cited documents, and the API serves those."""


def api(args: Namespace) -> int:
    """Serve the HTTP API."""
    settings = Settings.from_env()
    with telemetry.set_up(settings, "api"):
        import_module("research_assistant.api.server").main(settings, args.port)
    return 0


def worker(args: Namespace) -> int:
    """Run questions from the queue."""
    settings = Settings.from_env(needs=WORKER_NEEDS)
    try:
        with telemetry.set_up(settings, "worker"):
            import_module("research_assistant.worker").main(settings, args.metrics_port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise StateError(
            "cannot listen: the port is taken",
            where=f"127.0.0.1:{args.metrics_port}",
            next="stop what uses the port or choose another --metrics-port",
        ) from error
    return 0
