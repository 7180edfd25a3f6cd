"""What a stack is made of, as values: where it stands, what it starts, what it runs to completion."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bongsu.core.manifest import Manifest
    from bongsu.stack.home import Home
    from bongsu.stack.options import StackOptions
    from bongsu.stack.ready import Ready

SETUP = "setup"
"""The point in the order between the stores and the manifest's processes: all `setup` commands have ended well."""
READY_SECONDS = 120.0
STOP_SECONDS = 15.0
DRAIN_SECONDS = 30.0
"""What runs may take to finish before the system's own processes are killed."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process: what to run, when it counts as ready, how to stop it, whom it waits for.

    `prefix` stands before `argv` (it lowers privileges). The stack sends `stop_signal` and after `grace`
    seconds SIGKILL.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    ready: Ready
    port: int
    depends: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    ready_within: float = READY_SECONDS
    grace: float = STOP_SECONDS


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A command that runs to completion."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write, what to start, what to run once the stores answer; `env` is for commands of the manifest."""

    processes: tuple[ProcessSpec, ...]
    setup: tuple[TaskSpec, ...]
    setup_depends: tuple[str, ...]
    files: Mapping[Path, str]
    urls: Mapping[str, str]
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs of this machine. `programs` by their names in `binaries.NAMES`; `unprivileged` is an argv prefix."""

    python: str
    programs: Mapping[str, str]
    path: str
    postgres: str = ""
    unprivileged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """Everything a plan is made of, as values; `secrets` maps each secret's name to its file."""

    manifest: Manifest
    root: Path
    home: Home
    ports: Mapping[str, int]
    urls: Mapping[str, str]
    environment: Mapping[str, str]
    options: StackOptions
    tools: Tools
    secrets: Mapping[str, str]
