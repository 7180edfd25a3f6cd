"""What every stand-in process does alike: bind, say where, serve, read a bounded body, end cleanly on SIGTERM."""

from __future__ import annotations

import json
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

import uvicorn

from bongsu.core.errors import BongsuError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.applications import Starlette
    from starlette.requests import Request

HOST = "127.0.0.1"
GRACE_SECONDS = 2


def bind(port: int) -> socket.socket:
    """Listen on 127.0.0.1:`port` (0: a free one); raise StateError when the port is taken."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
        sock.listen(1024)
    except OSError as error:
        sock.close()
        raise StateError(
            f"cannot listen: {error.strerror}",
            where=f"{HOST}:{port}",
            next="stop what uses the port or choose another --port",
        ) from error
    sock.setblocking(False)
    return sock


def port_of(sock: socket.socket) -> int:
    """Return the port a bound socket really has."""
    port: int = sock.getsockname()[1]
    return port


def announce(name: str, **addresses: str) -> None:
    """Print the one JSON line by which a parent process learns the addresses."""
    print(json.dumps({"ready": name, **addresses}), flush=True)


def serve(app: Starlette, sock: socket.socket) -> None:
    """Serve `app` on `sock` until SIGTERM or SIGINT; then open requests have GRACE_SECONDS to end."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_SECONDS)
    uvicorn.Server(config).run(sockets=[sock])


def run_edge(start: Callable[[], None]) -> int:
    """Run a process; turn what a person can act on into a sentence on stderr and an exit code."""
    # Also for the moments before uvicorn handles signals, and for after: it raises a caught one again at its end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)
    try:
        start()
    except BongsuError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _exit(_number: int, _frame: object) -> None:
    sys.exit(0)


async def read_bounded(request: Request, limit: int) -> bytes | None:
    """Return the body of a request, or None as soon as it is longer than `limit` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def parse_json_object(body: bytes) -> Mapping[str, Any] | None:
    """Return the JSON object in `body`, or None when it is not one (too deeply nested counts as not one)."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
