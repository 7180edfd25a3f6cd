"""Start runs at a steady rate and print one JSON line for each that ended: an open-loop load generator.

Open loop: a slow system does not slow the questions down, so its queue is seen to grow. What cannot be sent because too
many are under way is printed as `not_sent`, never silently left out.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from bongsu.core.errors import BongsuError, UsageError
from research_assistant import golden
from research_assistant.client import TIMEOUT, open_api
from research_assistant.pace import stopped, told_to_stop

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from research_assistant.client import Api

MAX_IN_FLIGHT = 256
WAIT_SECONDS = 150.0
MAX_RATE = 200.0


@dataclass(slots=True)
class Traffic:
    """One generator; `rate` is in runs per second."""

    api: Api
    rate: float
    max_in_flight: int = MAX_IN_FLIGHT
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, seconds: float | None, stop: asyncio.Event) -> None:
        """Send until `seconds` have passed, then wait for what is under way; stop at once when `stop` is set."""
        questions = itertools.cycle(golden.load())
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in itertools.count():
            due = began + number / self.rate
            if (seconds is not None and due - began >= seconds) or await stopped(stop, due - loop.time()):
                break
            self._start(next(questions).question)
        if self._under_way and not stop.is_set():
            told = asyncio.create_task(stop.wait())
            everything = asyncio.create_task(asyncio.wait(self._under_way))
            await asyncio.wait({told, everything}, return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
        for task in self._under_way:
            task.cancel()

    def _start(self, question: str) -> None:
        if len(self._under_way) >= self.max_in_flight:
            _print(line(None, {"state": "not_sent"}, 0.0))
            return
        task = asyncio.create_task(self._one(question))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _one(self, question: str) -> None:
        started = time.perf_counter()
        run_id = None
        try:
            run_id = await self.api.submit(question)
            run: Mapping[str, Any] = await self.api.wait(run_id, WAIT_SECONDS)
        except BongsuError as error:
            run = {"state": "lost" if run_id else "not_sent", "error": {"kind": type(error).__name__}}
        _print(line(run_id, run, time.perf_counter() - started))


async def run(args: Namespace) -> int:
    """Generate traffic until SIGTERM, SIGINT or the end of `--seconds`; return 0."""
    if not 0 < args.rate <= MAX_RATE:
        raise UsageError(f"the rate is {args.rate:g}", where="--rate", next=f"give runs per second, up to {MAX_RATE:g}")
    stop = told_to_stop()
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(timeout=TIMEOUT, limits=limits) as http:
        await Traffic(open_api(http), args.rate).run(args.seconds, stop)
    return 0


def line(run_id: str | None, run: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Return what is said about one run: `ok` only for a done run with citations; `not_sent` and `lost` are ours."""
    citations = len(run.get("citations") or ())
    return {
        "id": run_id,
        "ok": run["state"] == "done" and citations > 0,
        "state": run["state"],
        "error_kind": (run.get("error") or {}).get("kind"),
        "seconds": round(seconds, 3),
        "citations": citations,
    }


def _print(content: Mapping[str, Any]) -> None:
    print(json.dumps(content), flush=True)
