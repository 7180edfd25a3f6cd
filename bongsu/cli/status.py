"""`bongsu status`: what runs, since when, how often restarted, and whether it answers."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from bongsu.core.durations import format_duration
from bongsu.stack import pids
from bongsu.stack.home import DEFAULT, holder, read_home
from bongsu.stack.ports import HOST
from bongsu.stack.ready import HttpReady, TcpReady, make_client, why_not
from bongsu.stack.state import read_state

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from typing import TextIO

    from bongsu.stack.state import ProcessState

NAME = "status"
HELP = "show every process: pid, state, restarts, port, uptime; exit 0 when all is well, 1 when not"
EXAMPLES = ("bongsu status", "bongsu status --json")


@dataclass(frozen=True, slots=True)
class Line:
    """One process as `status` sees it; `state` is running, not answering, gone, starting, restarting or stopped."""

    name: str
    state: str
    pid: int
    restarts: int
    port: int
    uptime_seconds: float
    detail: str


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("--home", type=Path, default=None, help=f"folder of all state (default: ROOT/{DEFAULT})")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:  # noqa: ARG001 - the seam of all verbs
    """Print the table and return 0 when the supervisor lives and every process runs and answers."""
    path: Path = args.home or args.root / DEFAULT
    home = read_home(path) if path.exists() else None
    state = read_state(home) if home else None
    supervisor = holder(home) if home else None
    lines = asyncio.run(_look(state.processes)) if state else []
    healthy = supervisor is not None and bool(lines) and all(line.state == "running" for line in lines)
    if args.json:
        addresses = dict(state.addresses) if state else {}
        answer = {"healthy": healthy, "supervisor": supervisor[0] if supervisor else None, "addresses": addresses}
        print(json.dumps({**answer, "processes": [asdict(line) for line in lines]}, indent=2), file=out)
    elif not lines:
        print(f"nothing runs in {path}: `bongsu up` starts it", file=out)
    else:
        _print(lines, state.addresses if state else {}, out)
        if supervisor is None:
            print("the supervisor is gone: `bongsu down` stops what it left, `bongsu up` starts anew", file=out)
    return 0 if healthy else 1


async def _look(processes: Sequence[ProcessState]) -> list[Line]:
    async with make_client() as client:

        async def line(process: ProcessState) -> Line:
            since = time.time() - process.since
            row = (process.pid, process.restarts, process.port)
            if process.phase != "running":
                return Line(process.name, process.phase, *row, since, "")
            if not pids.is_alive(process.pid, process.known):
                return Line(process.name, "gone", *row, 0.0, f"log: {process.log}")
            ready = HttpReady(process.probe) if process.probe else TcpReady(HOST, process.port)
            why = await why_not(ready, client)
            return Line(process.name, "not answering" if why else "running", *row, since, why or "")

        return list(await asyncio.gather(*(line(process) for process in processes)))


def _print(lines: Sequence[Line], addresses: Mapping[str, str], out: TextIO) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("process", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("pid", "restarts", "port", "uptime"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for line in lines:
        detail = line.detail or addresses.get(line.name, "")
        uptime = format_duration(round(line.uptime_seconds))
        table.add_row(line.name, line.state, str(line.pid), str(line.restarts), str(line.port), uptime, detail)
    Console(file=out, highlight=False, width=None if out.isatty() else 160).print(table)
