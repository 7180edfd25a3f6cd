"""`bongsu up`: start everything, ask one sample question, print the cited answer and the addresses."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bongsu.cli.progress import Progress
from bongsu.cli.proofs import EVIDENCE
from bongsu.cli.supervise import Order, run_until_stopped, supervise
from bongsu.core.errors import StateError
from bongsu.stack.home import DEFAULT, holder, open_home
from bongsu.stack.logs import tail
from bongsu.stack.state import read_state

if TYPE_CHECKING:
    import argparse
    from typing import IO, TextIO

    from bongsu.stack.home import Home

NAME = "up"
HELP = "start the system under care with everything that watches it, ask one sample question, print the addresses"
EXAMPLES = (
    "bongsu up",
    "bongsu up --foreground                  # Ctrl-C stops everything",
    "bongsu up --home /srv/bongsu --port-base 18700",
    "DATABASE_URL=postgresql://... bongsu up # takes what already runs instead of starting its own",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("--home", type=Path, default=None, help=f"folder of all state (default: ROOT/{DEFAULT})")
    parser.add_argument("--foreground", action="store_true", help="stay; Ctrl-C stops everything")
    parser.add_argument(
        "--port-base", type=int, default=None, help="lowest port of the range (default: the manifest's)"
    )
    parser.add_argument("--evidence", type=Path, default=None, help=f"where proofs are (default: ROOT/{EVIDENCE})")
    parser.add_argument("--no-question", action="store_true", help="do not ask the sample question")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Start the stack; return 0 when it is up (or was), otherwise the code of what failed."""
    home = open_home(args.home or args.root / DEFAULT)
    if (supervisor := holder(home)) is not None:
        return _already(home, supervisor[0], out)
    order = Order(
        args.root, home, (args.evidence or args.root / EVIDENCE).absolute(), args.port_base, not args.no_question
    )
    with Progress(out) as progress:
        if args.foreground:
            run_until_stopped(supervise(order, progress.show, die_with_parent=True))
            return 0
        code = _detach(order, progress, err)
    if code == 0:
        print(_hints(home), file=out)
    return code


def _already(home: Home, pid: int, out: TextIO) -> int:
    state = read_state(home)
    if state is None or not state.ready:
        raise StateError(f"another `bongsu up` is at work (pid {pid})", where=str(home.path), next="`bongsu status`")
    print(f"already running (supervisor pid {pid}); `bongsu status` shows how it is", file=out)
    for name, address in state.addresses.items():
        print(f"  {name:<14}{address}", file=out)
    return 0


def _detach(order: Order, progress: Progress, err: TextIO) -> int:
    """Start the supervisor in a session of its own and show its events until the stack is up or has failed."""
    log = order.home.log / "supervisor.log"
    # -P: the working directory, the repository, must not become importable (`agents` is no package of ours).
    argv = [
        sys.executable,
        "-P",
        "-m",
        "bongsu.cli.supervise",
        "--root",
        str(order.root),
        "--home",
        str(order.home.path),
    ]
    argv += ["--evidence", str(order.evidence)]
    argv += ["--port-base", str(order.port_base)] if order.port_base is not None else []
    argv += [] if order.question else ["--no-question"]
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        supervisor = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=handle,
            cwd=order.root,
            start_new_session=True,
            text=True,
        )
    finally:
        os.close(handle)
    with supervisor.stdout as events:  # type: ignore[union-attr]  # stdout=PIPE
        try:
            return _follow(supervisor, events, progress, err, log)
        except KeyboardInterrupt:
            supervisor.send_signal(signal.SIGTERM)
            supervisor.wait()
            raise


def _follow(supervisor: subprocess.Popen[str], events: IO[str], progress: Progress, err: TextIO, log: Path) -> int:
    for line in events:
        event: dict[str, Any] = json.loads(line)
        if event["event"] == "failed":
            supervisor.wait()
            print(f"bongsu up: {event['text']}", file=err)
            return int(event["code"])
        progress.show(event)
        if event["event"] == "ready":
            # It lives on without us: Python would otherwise warn that nobody waits for it.
            supervisor.returncode = 0
            return 0
    supervisor.wait()
    raise StateError(f"the supervisor ended without a word:\n{tail(log)}", where=str(log))


def _hints(home: Home) -> str:
    shell = shlex.quote(os.path.relpath(home.env))
    return f"a shell that talks to it: . {shell}; its logs: {os.path.relpath(home.log)}; stop it: bongsu down"
