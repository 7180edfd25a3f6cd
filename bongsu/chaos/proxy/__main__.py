"""Run the fault proxy: `python -m bongsu.chaos.proxy --listen PORT --upstream URL --socket PATH --ledger FILE`."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from bongsu.chaos.proxy import wire
from bongsu.chaos.proxy.control import MAX_LINE, Control, bind_control
from bongsu.chaos.proxy.faults import Faults
from bongsu.chaos.proxy.ledger import Ledger
from bongsu.chaos.proxy.relay import Relay, parse_upstream
from bongsu.core.errors import BongsuError, StateError

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST = "127.0.0.1"
GRACE_SECONDS = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bongsu.chaos.proxy", description="Stand between and break the wire."
    )
    parser.add_argument("--listen", type=int, required=True, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--upstream", required=True, help="where requests go, such as http://127.0.0.1:8091")
    parser.add_argument("--socket", type=Path, required=True, help="unix socket of the control side")
    parser.add_argument("--ledger", type=Path, required=True, help="JSONL file of injections, hits and ends")
    parser.add_argument(
        "--pass-through", action="store_true", help="accept faults and do nothing (planted defect for proofs)"
    )
    options = parser.parse_args(argv)
    try:
        uvloop.run(_run(options))  # half the cost per request of the standard loop (bench/proxy_overhead.py)
    except BongsuError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


async def _run(options: argparse.Namespace) -> None:
    upstream = parse_upstream(options.upstream)
    control_socket = bind_control(options.socket)
    try:
        ledger = Ledger(options.ledger)
        faults = Faults(ledger, time.monotonic, pass_through=options.pass_through)
        relay = Relay(upstream, faults)
        control = Control(faults, relay, pass_through=options.pass_through)
        server = await _listen(relay, options.listen)
        controller = await asyncio.start_unix_server(control.serve, sock=control_socket, limit=MAX_LINE)
        stop = _stop_on_signal()  # before the ready line: whoever reads it may send the signal at once
        url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
        print(json.dumps({"ready": "faultproxy", "url": url, "socket": str(options.socket)}), flush=True)
        await stop.wait()
        server.close()
        controller.close()
        faults.undo_all()
        await relay.drain(GRACE_SECONDS)
        ledger.close()
    finally:
        control_socket.close()
        options.socket.unlink(missing_ok=True)


async def _listen(relay: Relay, port: int) -> asyncio.Server:
    try:
        return await asyncio.start_server(relay.serve, HOST, port, limit=wire.MAX_HEAD, backlog=1024)
    except OSError as error:
        raise StateError(
            f"cannot listen: {error.strerror}",
            where=f"{HOST}:{port}",
            next="stop what uses the port or choose another --listen",
        ) from error


def _stop_on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


if __name__ == "__main__":
    sys.exit(main())
