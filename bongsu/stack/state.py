"""The state file of a home: what runs, written by the supervisor so that others can show and stop it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bongsu.core.artefacts import write_file
from bongsu.core.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.stack.home import Home

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One process as the supervisor sees it.

    `phase` is waiting, starting, running, restarting or stopped; `since` is the Unix time at which it entered it;
    `pid` is 0 and `known` empty when there is none. `probe` is the URL that answers when it is ready, or empty.
    """

    name: str
    phase: str
    pid: int
    known: str
    restarts: int
    since: float
    port: int
    log: str
    probe: str
    stop_signal: str


@dataclass(frozen=True, slots=True)
class StackState:
    """A whole stack: its supervisor (pid and identity), its processes in the order of start, its public addresses."""

    supervisor: int
    supervisor_known: str
    ready: bool
    processes: tuple[ProcessState, ...]
    addresses: Mapping[str, str]


def write_state(home: Home, state: StackState) -> None:
    """Replace the state file atomically."""
    write_file(home.state, json.dumps({"format": _FORMAT, **asdict(state)}, indent=2) + "\n", 0o600)


def read_state(home: Home) -> StackState | None:
    """Return the last written state, None when there is none; raise StateError when it cannot be read."""
    try:
        content = json.loads(home.state.read_text(encoding="utf-8"))
        if content.pop("format") != _FORMAT:
            raise ValueError("another format")  # noqa: TRY301 - all that is wrong with the file ends in one message
        processes = tuple(ProcessState(**process) for process in content.pop("processes"))
        return StackState(processes=processes, **content)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError(
            f"is damaged ({error})",
            where=str(home.state),
            next="move this file aside: processes of the home are still found, `bongsu down` stops them",
        ) from error
