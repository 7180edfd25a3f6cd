"""Serve a restored Chroma folder, and call the manifest's commands on the derived index."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from bongsu.core.errors import StateError
from bongsu.recovery.adapters import chroma
from bongsu.recovery.adapters.engine import HOST, free_port
from bongsu.recovery.ports import Audit, Served

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bongsu.recovery.ports import Commands

START_SECONDS = 120.0
STOP_SECONDS = 15.0
COMMAND_SECONDS = 4 * 3600.0
_POLL_SECONDS = 0.05
_SHOWN = 600


@dataclass(frozen=True, slots=True)
class ChromaServer:
    """The Chroma server's program."""

    program: str
    commands: Commands

    def check(self, folder: Path) -> None:
        """Raise StateError when the copy is torn."""
        chroma.check(folder)

    async def serve(self, folder: Path, log: Path) -> Served:
        """Start a server on the folder (made when absent); raise StateError when it does not answer."""
        port = free_port()
        argv = (self.program, "run", "--path", str(folder), "--host", HOST, "--port", str(port))
        env = {"ANONYMIZED_TELEMETRY": "False", "NO_COLOR": "1"}
        served = Served(f"http://{HOST}:{port}", await self.commands.start(argv, log, env=env))
        answered = False
        try:
            answered = await _answers(served)
        finally:  # also when the restore is interrupted meanwhile
            if not answered:
                await self.end(served)
        if not answered:
            raise StateError("Chroma does not serve this folder", where=str(log))
        return served

    async def end(self, served: Served) -> None:
        """Stop the server."""
        await served.process.stop(signal.SIGTERM, STOP_SECONDS)


async def _answers(served: Served) -> bool:
    """Wait until the server answers; tell whether it did."""
    deadline = time.monotonic() + START_SECONDS
    async with httpx.AsyncClient(trust_env=False, timeout=3.0) as client:
        while time.monotonic() < deadline and served.process.ended() is None:
            try:
                if (await client.get(f"{served.url}/api/v2/heartbeat")).is_success:
                    return True
            except httpx.HTTPError:
                pass
            await asyncio.sleep(_POLL_SECONDS)
    return False


@dataclass(frozen=True, slots=True)
class ManifestIndex:
    """The commands of a store of the manifest; the variables that carry the URLs of both stores."""

    commands: Commands
    roll_forward_command: Sequence[str]
    audit_command: Sequence[str]
    heal_command: Sequence[str]
    position_command: Sequence[str]
    database_variable: str
    index_variable: str
    env: Mapping[str, str]
    cwd: Path

    async def position(self) -> int:
        """Return the change that the index in use has reached; the URLs are those of `env`."""
        said = await self._said(self.position_command, self.env, "position")
        return int(said["position"])

    async def roll_forward(self, database: str, index: str) -> str:
        """Apply what the source of truth has beyond the index; return what the command said."""
        done = await self.commands.run(
            self.roll_forward_command, env=self._with(database, index), cwd=self.cwd, seconds=COMMAND_SECONDS
        )
        if done.code != 0:
            raise StateError(
                f"`{' '.join(self.roll_forward_command)}` failed: {(done.err or done.out).strip()[-_SHOWN:]}"
            )
        return done.out.strip().splitlines()[-1] if done.out.strip() else "rolled forward"

    async def audit(self, database: str, index: str, *, heal: bool) -> Audit:
        """Compare every vector, and with `heal` repair what differs; raise StateError when it cannot be told."""
        command = self.heal_command if heal else self.audit_command
        said = await self._said(command, self._with(database, index), "missing")
        return Audit(
            checked=int(said["checked"]),
            missing=int(said["missing"]),
            wrong=int(said["wrong"]),
            extra=int(said["extra"]),
            healed=int(said.get("healed", 0)),
            examples=dict(said.get("examples", {})),
        )

    def _with(self, database: str, index: str) -> dict[str, str]:
        return {**self.env, self.database_variable: database, self.index_variable: index}

    async def _said(self, command: Sequence[str], env: Mapping[str, str], key: str) -> dict[str, Any]:
        """Return the JSON object a command printed; its exit code alone says nothing."""
        done = await self.commands.run(command, env=env, cwd=self.cwd, seconds=COMMAND_SECONDS)
        for line in reversed(done.out.splitlines()):
            try:
                content = json.loads(line)
            except ValueError:
                continue
            if isinstance(content, dict) and key in content:
                return content
        said = (done.err or done.out).strip()[-_SHOWN:]
        raise StateError(f"`{' '.join(command)}` did not say {key} (exit code {done.code}): {said}")
