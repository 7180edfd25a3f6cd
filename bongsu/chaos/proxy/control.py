"""The control side of the proxy: JSON lines over a unix socket that only its owner may open."""

from __future__ import annotations

import json
import os
import socket
import stat
from typing import TYPE_CHECKING, Any

from bongsu.core.errors import StateError, UsageError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping
    from pathlib import Path

    from bongsu.chaos.proxy.faults import Faults
    from bongsu.chaos.proxy.relay import Relay

MAX_LINE = 2 * 1024 * 1024
MAX_SOCKET_PATH = 107
"""A unix socket's address holds 108 bytes on Linux, one of them the final zero."""


class Control:
    """Answer control requests about one proxy."""

    def __init__(self, faults: Faults, relay: Relay, *, pass_through: bool) -> None:
        self._faults = faults
        self._relay = relay
        self._pass_through = pass_through

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer line by line until the client leaves; its faults stay until undone or their leases end."""
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self.answer(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):  # the client left, or sent a line longer than MAX_LINE
            pass
        finally:
            writer.close()

    def answer(self, line: bytes) -> dict[str, Any]:
        """Return the answer to one control request."""
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            return {"ok": False, "error": "a control request is one line of JSON"}
        if not isinstance(request, dict):
            return {"ok": False, "error": "a control request is a JSON object"}
        try:
            return {"ok": True, **self._do(request)}
        except UsageError as error:
            return {"ok": False, "error": str(error)}

    def _do(self, request: Mapping[str, Any]) -> dict[str, Any]:
        id_ = request.get("id")
        match request.get("op"):
            case "inject":
                return {"id": self._faults.inject(request.get("fault"), request.get("lease_seconds"), id_)}
            case "renew":
                return {"id": self._faults.renew(id_, request.get("lease_seconds"))}
            case "undo":
                return {"id": id_, "was_active": self._faults.undo(id_)}
            case "status":
                return {
                    "pass_through": self._pass_through,
                    "requests": self._relay.requests,
                    "connections": len(self._relay.connections),
                    "upstream_errors": self._relay.upstream_errors,
                    "faults": self._faults.describe(),
                }
            case other:
                raise UsageError(f"no operation is called {other!r}", next="use inject, renew, undo or status")


def bind_control(path: Path) -> socket.socket:
    """Listen on a unix socket of mode 0600; a socket file that nobody listens on is replaced."""
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise UsageError("the path of the control socket is too long", where=str(path), next="choose a shorter folder")
    if path.exists():
        _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # so that the socket never exists with a wider mode, not even for a moment
    try:
        sock.bind(str(path))
    except OSError as error:
        sock.close()
        raise StateError(f"cannot listen: {error.strerror}", where=str(path)) from error
    finally:
        os.umask(before)
    sock.listen(16)
    sock.setblocking(False)
    return sock


def _remove_stale(path: Path) -> None:
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise StateError(
            "the control socket's path is taken by a file", where=str(path), next="choose another --socket"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink()
        else:
            raise StateError("another proxy listens there", where=str(path), next="stop it or choose another --socket")
