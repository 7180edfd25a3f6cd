"""The supervisor of `bongsu up`: in the foreground a coroutine, otherwise a process of its own.

Not a verb: `python -m bongsu.cli.supervise` writes its events as JSON lines to its standard output until the stack
is up or has failed, then lets go of it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bongsu.cli.catalogue import compile_all, load_catalogue, require_sound
from bongsu.cli.main import INTERRUPTED, sources_of
from bongsu.cli.progress import step_event
from bongsu.cli.proofs import proved_by
from bongsu.cli.recovery import Site, until_backed_up
from bongsu.core.diagnostics import render
from bongsu.core.errors import BongsuError, SpecError, StateError
from bongsu.stack.addresses import BACKUPS
from bongsu.stack.home import Home, read_home
from bongsu.stack.options import StackOptions
from bongsu.stack.plan import public_addresses
from bongsu.stack.run import Stack, running_stack
from bongsu.stack.supervisor import Step
from bongsu.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

QUESTION_SECONDS = 120.0
FIRST_BACKUP_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Order:
    """What `up` was asked for."""

    root: Path
    home: Home
    evidence: Path
    port_base: int | None
    question: bool


async def supervise(order: Order, tell: Callable[[Mapping[str, Any]], None], *, die_with_parent: bool) -> None:
    """Bring the stack up, tell how it goes, keep it until cancelled; whatever happens, nothing of it is left."""
    catalogue = require_sound(load_catalogue(order.root), sys.stderr)
    began = time.monotonic()
    async with running_stack(
        catalogue.manifest,
        order.root,
        order.home,
        StackOptions(die_with_parent=die_with_parent),
        lambda endpoints: compile_all(catalogue, endpoints),
        port_base=order.port_base,
        report=lambda step: tell(step_event(step)),
        proved=proved_by(order.root, catalogue, order.evidence),
    ) as stack:
        await _first_backup(stack, tell)
        if order.question and catalogue.manifest.sample:
            await _ask(stack, tell)
        tell({"event": "ready", "seconds": time.monotonic() - began, "addresses": public_addresses(stack.urls)})
        await stack.supervisor.wait_for_failure()


async def _first_backup(stack: Stack, tell: Callable[[Mapping[str, Any]], None]) -> None:
    """Wait until every repository holds a restorable backup; where that fails, the system is up and it is said."""
    if BACKUPS not in stack.urls:
        return
    began = time.monotonic()
    why = await until_backed_up(Site(stack.manifest, stack.root, stack.home, stack.env), FIRST_BACKUP_SECONDS)
    phase = "failed" if why else "ready"
    tell(step_event(Step("first-backup", phase, why or "in every repository", time.monotonic() - began)))


async def _ask(stack: Stack, tell: Callable[[Mapping[str, Any]], None]) -> None:
    argv = stack.manifest.sample
    done = await stack.command(argv, QUESTION_SECONDS)
    if done.code != 0:
        raise StateError(
            f"the sample question was not answered (`{' '.join(argv)}`: exit code {done.code})\n{done.err or done.out}",
            next=f"the logs in {stack.home.log} say why; everything was stopped",
        )
    tell({"event": "answer", "command": " ".join(argv), "text": done.out})


def run_until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends; SIGINT and SIGTERM cancel it, and it cleans up. Raises KeyboardInterrupt then."""

    async def body() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    asyncio.run(body())


def failure(error: BongsuError, root: Path) -> str:
    """Return an error as the text that `up` shows."""
    return render(error.problems, sources_of(error, root)) if isinstance(error, SpecError) else str(error)


def main(argv: Sequence[str]) -> int:
    """Supervise as a process of its own; return the exit code of the contract."""
    parser = argparse.ArgumentParser(prog="python -m bongsu.cli.supervise", description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--evidence", type=Path, required=True)
    parser.add_argument("--port-base", type=int, default=None)
    parser.add_argument("--no-question", action="store_true")
    args = parser.parse_args(argv)
    logs.setup()

    def tell(event: Mapping[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # whoever called `up` has gone; the stack stays
            print(json.dumps(event), flush=True)
        if event["event"] == "ready":
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    order = Order(args.root, read_home(args.home), args.evidence, args.port_base, not args.no_question)
    try:
        run_until_stopped(supervise(order, tell, die_with_parent=False))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BongsuError as error:
        tell({"event": "failed", "text": failure(error, args.root), "code": error.exit_code})
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
