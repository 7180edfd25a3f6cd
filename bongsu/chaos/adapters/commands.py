"""The manifest's own commands as ports: actions and probe run to their end, traffic lives and prints JSON lines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from typing import TYPE_CHECKING, Any

from bongsu.chaos.ports import FinishedRun, StepOutcome
from bongsu.core.errors import StateError
from bongsu.core.manifest import fill

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from bongsu.core.manifest import Manifest

ACTION_SECONDS = 60.0
STOP_SECONDS = 10.0
_SAID_CHARACTERS = 400


class WallClock:
    """The `Clock` port on the real time."""

    def now(self) -> float:
        """Return Unix seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def within(self, seconds: float, work: Awaitable[Any]) -> Any:
        """Return the result of `work`; raise TimeoutError when it takes longer."""
        return await asyncio.wait_for(work, seconds)


class ManifestHands:
    """The `Hands` port: only actions the manifest lists, argv only, nothing in the environment leads to the fault."""

    def __init__(self, manifest: Manifest, environment: Mapping[str, str], folder: str) -> None:
        self._manifest, self._environment, self._folder = manifest, dict(environment), folder

    async def act(self, name: str, arguments: Mapping[str, str]) -> StepOutcome:
        """Run a manifest action to its end."""
        action = self._manifest.actions.get(name)
        if action is None:
            known = ", ".join(self._manifest.actions)
            return StepOutcome(ok=False, said=f"{name!r} is not an action of the manifest (known: {known})")
        return await self._run(action.argv(arguments), ACTION_SECONDS)

    async def probe(self) -> StepOutcome:
        """Ask the golden question and check the answer."""
        return await self._run(self._manifest.probe, self._manifest.probe_deadline)

    async def _run(self, argv: Sequence[str], seconds: float) -> StepOutcome:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=self._folder,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), seconds)
        except TimeoutError:
            return StepOutcome(ok=False, said=f"`{argv[0]} {argv[1]}` did not end within {seconds:g} s")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        said = (out or err if process.returncode == 0 else err or out).decode(errors="replace").strip()
        return StepOutcome(ok=process.returncode == 0, said=said[-_SAID_CHARACTERS:] or f"exit {process.returncode}")


class ManifestTraffic:
    """The `Traffic` port: the manifest's load generator as a child process, read line by line."""

    def __init__(self, manifest: Manifest, environment: Mapping[str, str], folder: str) -> None:
        self._command, self._environment, self._folder = manifest.traffic, dict(environment), folder
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._finished: list[FinishedRun] = []
        self._stopped = False
        self._not_sent = 0

    async def start(self, rate: float) -> None:
        """Start runs at `rate` per second."""
        argv = [fill(part, {"rate": f"{rate:g}"}) for part in self._command]
        self._process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=self._folder,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        self._reader = asyncio.create_task(self._read(self._process))

    async def stop(self) -> None:
        """Stop the generator; a second stop does nothing."""
        self._stopped = True
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._reader is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader

    def finished(self) -> Sequence[FinishedRun]:
        """Return every finished run so far, oldest first."""
        return self._finished

    def failure(self) -> str | None:
        """Return why the generator is not running although nobody stopped it, or None."""
        if self._not_sent:
            return f"{self._not_sent} run(s) could not be sent: the system is slower than the declared rate"
        if self._stopped or self._process is None or self._process.returncode is None:
            return None
        return f"it ended with exit code {self._process.returncode}"

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            raise StateError("the traffic generator has no output to read")
        async for raw in process.stdout:
            line = json.loads(raw)
            if line["state"] == "not_sent":
                self._not_sent += 1
                continue
            now = time.time()
            run = FinishedRun(now - float(line["seconds"]), now, bool(line["ok"]), str(line.get("error_kind") or ""))
            self._finished.append(run)
