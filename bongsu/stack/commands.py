"""Programs for backups and restores (the port of bongsu.recovery), as children that die with us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.recovery.ports import Ended
from bongsu.stack.child import Child, run_command, spawn, terminate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from signal import Signals


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """A running child."""

    child: Child

    async def stop(self, number: Signals, grace: float) -> None:
        """Ask it to end, after `grace` seconds kill it; one that has ended already is no error."""
        await terminate(self.child, number, grace)

    def ended(self) -> int | None:
        """Return its exit code, None while it runs."""
        return self.child.process.returncode


@dataclass(frozen=True, slots=True)
class ChildCommands:
    """Programs with the variables `env` (and those of each call on top), in the folder `cwd` unless told otherwise."""

    env: Mapping[str, str]
    cwd: Path

    async def run(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None, seconds: float
    ) -> Ended:
        """Run a program to its end; raise UnreachableError when it is missing or takes longer than `seconds`."""
        done = await run_command(argv, {**self.env, **(env or {})}, cwd or self.cwd, seconds)
        return Ended(done.code, done.out, done.err)

    async def start(
        self, argv: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
    ) -> ChildProcess:
        """Start a program with its output appended to `log`; raise UnreachableError when it is missing."""
        merged = {**self.env, **(env or {})}
        return ChildProcess(await spawn(argv, merged, self.cwd, log, prefix=prefix, die_with_parent=True))
