"""Ports on 127.0.0.1: checked before anything starts; a busy one is named with who holds it."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import psutil

from bongsu.core.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HOST = "127.0.0.1"
HIGHEST = 65535


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """Return a port for each name, assigned by the operating system.

    All are held until the last is known, so they differ. Linux hands bind() odd ports first and connect() even ones
    (kernel 4.2, "try to not exhaust ip_local_port_range in connect()"): an outgoing connection hardly ever takes one
    back before its process binds it.
    """
    with contextlib.ExitStack() as held:
        ports = {}
        for name in names:
            probe = held.enter_context(socket.socket())
            probe.bind((HOST, 0))
            ports[name] = int(probe.getsockname()[1])
        return ports


def refuse_busy(ports: Mapping[str, int]) -> None:
    """Raise StateError naming every port that cannot be bound, who holds it and what to do."""
    busy = [(name, port) for name, port in ports.items() if not _is_free(port)]
    if busy:
        lines = [f"port {port} ({name}) is held by {_holder(port)}" for name, port in busy]
        raise StateError(
            "; ".join(lines),
            where=HOST,
            next="stop that process (`bongsu down` if it is ours), or take other ports: `bongsu up --port-base 18700`",
        )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers themselves do: a connection in TIME_WAIT does not make the port busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _holder(port: int) -> str:
    try:
        here = [c for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port]
        # A listener first: it stays, an outgoing connection that happens to have this port soon ends.
        for found in sorted(here, key=lambda c: c.status != psutil.CONN_LISTEN):
            if found.pid:
                how = "" if found.status == psutil.CONN_LISTEN else ", for an outgoing connection: try again"
                return f"{psutil.Process(found.pid).name()} (pid {found.pid}){how}"
    except psutil.Error:  # macOS shows the list to root only
        pass
    return "a process this user cannot see"
