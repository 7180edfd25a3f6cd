"""Stop a stack from outside: through its supervisor when it lives, process by process when it was killed."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from bongsu.core.errors import StateError
from bongsu.stack import pids
from bongsu.stack.home import holder
from bongsu.stack.state import read_state
from bongsu.stack.supervisor import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from bongsu.stack.home import Home
    from bongsu.stack.state import StackState

SUPERVISOR_SECONDS = 90.0
_GRACE_SECONDS = 15.0
_LEFT_SECONDS = 5.0


def stop_home(home: Home, report: Callable[[Step], None]) -> bool:
    """Stop everything of this home and return whether anything ran; raise StateError when something survives."""
    supervisor = holder(home)
    if supervisor is not None:
        report(Step("supervisor", "note", f"asked to stop (pid {supervisor[0]})"))
        _refuse(pids.end([supervisor], signal.SIGTERM, SUPERVISOR_SECONDS))
    return _stop_rest(home, report) or supervisor is not None


async def stop_leftovers(home: Home, report: Callable[[Step], None]) -> None:
    """Stop what a killed supervisor left running, before a new one starts (the caller holds the lock)."""
    await asyncio.to_thread(_stop_rest, home, report)


def _stop_rest(home: Home, report: Callable[[Step], None]) -> bool:
    state = read_state(home)
    found = _stop_recorded(state, report) if state is not None else False
    left = pids.members(home.identity)
    if left:
        report(Step("leftovers", "note", f"stopping {len(left)} process(es) without a supervisor"))
        _refuse(pids.end(left, signal.SIGTERM, _LEFT_SECONDS))
    home.state.unlink(missing_ok=True)
    return found or bool(left)


def _stop_recorded(state: StackState, report: Callable[[Step], None]) -> bool:
    """Stop the processes of a state file, the last started first, each by its own signal."""
    found = False
    for process in reversed(state.processes):
        if process.pid and pids.is_alive(process.pid, process.known):
            below = pids.descendants(process.pid)
            _refuse(pids.end([(process.pid, process.known)], signal.Signals[process.stop_signal], _GRACE_SECONDS))
            _refuse(pids.end(below, signal.SIGTERM, _LEFT_SECONDS))
            report(Step(process.name, "stopped", "its supervisor was gone"))
            found = True
    return found


def _refuse(survivors: list[tuple[int, str]]) -> None:
    if survivors:
        numbers = ", ".join(str(pid) for pid, _ in survivors)
        raise StateError(
            f"even SIGKILL did not end: {numbers}", next="look at them with `ps`, then run `bongsu down` again"
        )
