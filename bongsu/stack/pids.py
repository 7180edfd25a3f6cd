"""Processes by pid and identity, so that a recycled pid is never taken for ours, and by the home they belong to."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

HOME_VARIABLE = "BONGSU_STACK"
"""Every process of a stack carries the home's identity in this variable: whoever was not stopped is found by it."""
_POLL_SECONDS = 0.05
_STAT_STATE, _STAT_STARTED = 0, 19  # fields after the command's closing parenthesis, proc(5)


def identity(pid: int) -> str | None:
    """Return what tells this process from an earlier or later one with its pid; None when it is dead or a zombie."""
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[_STAT_STATE] in "ZX" else f"{boot}:{fields[_STAT_STARTED]}"
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.3f}"
    except psutil.Error:
        return None


def is_alive(pid: int, known: str) -> bool:
    """Tell whether exactly this process still runs."""
    return identity(pid) == known


def send(pid: int, known: str, number: signal.Signals) -> bool:
    """Send a signal to exactly this process; return False when it is gone."""
    with contextlib.suppress(ProcessLookupError):
        if sys.platform != "linux":
            if is_alive(pid, known):
                os.kill(pid, number)
                return True
            return False
        handle = os.pidfd_open(pid)  # from here on the pid cannot be recycled under our hands
        try:
            if is_alive(pid, known):
                signal.pidfd_send_signal(handle, number)
                return True
        finally:
            os.close(handle)
    return False


def descendants(pid: int) -> list[tuple[int, str]]:
    """Return every living process below `pid` with its identity."""
    try:
        return _known(child.pid for child in psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []


def members(home_identity: str) -> list[tuple[int, str]]:
    """Return every living process that carries the home's identity, except this one and its ancestors."""
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        # Other users' processes, and PostgreSQL's backends, which overwrite their environment, cannot be read.
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid not in ours and process.environ().get(HOME_VARIABLE) == home_identity:
                found.append(process.pid)
    return _known(found)


def _known(numbers: Iterable[int]) -> list[tuple[int, str]]:
    return [(pid, known) for pid in numbers if (known := identity(pid))]


def wait_gone(processes: Iterable[tuple[int, str]], seconds: float) -> list[tuple[int, str]]:
    """Wait until all of them are gone and return those that are not."""
    deadline = time.monotonic() + seconds
    left = [process for process in processes if is_alive(*process)]
    while left and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        left = [process for process in left if is_alive(*process)]
    return left


def end(processes: Iterable[tuple[int, str]], number: signal.Signals, grace: float) -> list[tuple[int, str]]:
    """Send `number`, after `grace` seconds SIGKILL; return what even that did not end."""
    left = [process for process in processes if send(*process, number)]
    left = wait_gone(left, grace)
    for process in left:
        send(*process, signal.SIGKILL)
    return wait_gone(left, grace)
