"""One operating-system process: start it in a session of its own, end it with all it started."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.core.errors import StateError, UnreachableError
from bongsu.stack import launch, pids

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Mapping, Sequence

_LEFT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was started; `known` is its identity, which a recycled pid does not have."""

    process: Process
    known: str

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self.process.pid


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str


async def spawn(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    *,
    prefix: Sequence[str] = (),
    die_with_parent: bool,
) -> Child:
    """Start a program with its output appended to `log`; raise UnreachableError when it does not exist."""
    command = [*prefix, *_tied(die_with_parent), _find(argv[0], env), *argv[1:]]
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        raise UnreachableError(f"{command[0]} cannot be started: {error.strerror}") from error
    finally:
        os.close(handle)
    return Child(process, pids.identity(process.pid) or "")


def _tied(die_with_parent: bool) -> list[str]:
    if not die_with_parent or sys.platform != "linux":
        return []
    return [sys.executable, "-I", "-S", str(Path(launch.__file__)), str(os.getpid())]


def _find(program: str, env: Mapping[str, str]) -> str:
    found = shutil.which(program, path=env.get("PATH", ""))
    if found is None:
        raise UnreachableError(
            f"{program} was not found on PATH", next="scripts/bootstrap.sh installs the project and what it needs"
        )
    return found


async def terminate(child: Child, number: signal.Signals, grace: float) -> None:
    """Ask the process to end, after `grace` seconds kill it; then kill what it had started and left behind."""
    below = pids.descendants(child.pid) if child.process.returncode is None else []
    if child.process.returncode is None:
        with suppress(ProcessLookupError):
            child.process.send_signal(number)
        try:
            async with asyncio.timeout(grace):
                await child.process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                child.process.kill()
            await child.process.wait()
    if any(pids.is_alive(*process) for process in below):
        await asyncio.to_thread(pids.end, below, signal.SIGTERM, _LEFT_SECONDS)


async def run_command(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, seconds: float, *, die_with_parent: bool = True
) -> Finished:
    """Run a command to its end and return what it wrote; raise UnreachableError when it takes longer than `seconds`."""
    process = await asyncio.create_subprocess_exec(
        *_tied(die_with_parent),
        _find(argv[0], env),
        *argv[1:],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(env),
        cwd=cwd,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    except TimeoutError:
        raise UnreachableError(f"{' '.join(argv[:2])} did not end within {seconds:g} s") from None
    finally:
        if process.returncode is None:
            await terminate(Child(process, pids.identity(process.pid) or ""), signal.SIGKILL, 0)
    return Finished(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))


async def run_task(argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path, *, die_with_parent: bool) -> None:
    """Run a command to its end with its output in `log`; raise StateError when it fails."""
    child = await spawn(argv, env, cwd, log, die_with_parent=die_with_parent)
    try:
        code = await child.process.wait()
    except asyncio.CancelledError:
        await terminate(child, signal.SIGTERM, _LEFT_SECONDS)
        raise
    if code != 0:
        raise StateError(f"`{' '.join(argv)}` ended with exit code {code}", where=str(log))
