"""The victim of a drill: a stack of its own that is backed up, destroyed and restored; and what it is asked.

Everything here lives in the home that the drill made (DESIGN principle 16): the one folder this code deletes from is
that home, found by its marker and refused when it is not of the kind `proof`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bongsu.chaos.adapters.commands import ManifestHands
from bongsu.chaos.markers import Ack
from bongsu.chaos.ports import MarkersFound, RestoreDone, StepOutcome
from bongsu.cli.catalogue import compile_all
from bongsu.cli.recovery import (
    Site,
    backup_lock,
    configuration_of,
    exported,
    key_of,
    open_all,
    place_of,
    sources_of,
    until_backed_up,
)
from bongsu.core import generations
from bongsu.core.errors import BongsuError, StateError
from bongsu.core.manifest import fill
from bongsu.recovery.backup import run_backup
from bongsu.recovery.catalogue import read_catalogue
from bongsu.recovery.configuration import TREE, Configuration, differing
from bongsu.recovery.model import FULL, INCREMENTAL
from bongsu.recovery.schedule import Situation, Wanted, common_parent
from bongsu.recovery.verify import verify
from bongsu.stack import binaries, pids
from bongsu.stack.addresses import BACKUPS, instances
from bongsu.stack.backups import WAL_RECEIVER
from bongsu.stack.child import run_command
from bongsu.stack.environment import base_environment
from bongsu.stack.home import PROOF
from bongsu.stack.options import StackOptions
from bongsu.stack.run import running_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bongsu.chaos.model import Drill
    from bongsu.checks.model import Catalogue
    from bongsu.cli.drill_plants import Plant
    from bongsu.recovery.ports import Repository
    from bongsu.stack.home import Home
    from bongsu.stack.run import Stack
    from bongsu.stack.supervisor import Step

BACKUP_SECONDS = 1800.0
RESUME_SECONDS = 300.0
RESTORE_SECONDS = 4 * 3600.0
COMMAND_SECONDS = 300.0
BULK_SECONDS = 3600.0
KILL_SECONDS = 10.0
POLL = 0.25
_LAST_WORDS = 6
_ERROR = "bongsu restore: "


@dataclass(slots=True)
class StackVictim:
    """One stack in a proof home; `outside` is a folder that the disaster does not touch."""

    root: Path
    catalogue: Catalogue
    drill: Drill
    home: Home
    outside: Path
    plant: Plant
    bulk_bytes: int
    seed: int
    report: Callable[[str], None]
    stack: Stack | None = None
    _starting: asyncio.Task[None] | None = None
    _open: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    _before: dict[str, Path] = field(default_factory=dict)

    async def start(self) -> None:
        """Start the system on what lies in the home; raise BongsuError when it does not come up.

        Returns once every process of the manifest is ready: people ask then, whoever else still starts.
        """
        waiting = {name for process in self.catalogue.manifest.processes for name in instances(process)}
        ready = asyncio.Event()

        def tell(step: Step) -> None:
            if step.phase not in {"starting", "stopped"}:
                self.report(f"{step.phase} {step.name} {step.detail}".rstrip())
            waiting.discard(step.name if step.phase == "ready" else "")
            if not waiting:
                ready.set()

        self._starting = asyncio.create_task(self._enter(tell))
        system = asyncio.create_task(ready.wait())
        await asyncio.wait({self._starting, system}, return_when=asyncio.FIRST_COMPLETED)
        system.cancel()
        if self._starting.done():
            await self._starting

    async def started(self) -> None:
        """Wait until the whole stack is ready; raise BongsuError when it is not."""
        if self._starting is not None:
            await self._starting

    async def _enter(self, tell: Callable[[Step], None]) -> None:
        options = StackOptions(ignore_environment_urls=True, watch_machine=False, watch=False)
        self.stack = await self._open.enter_async_context(
            running_stack(
                self.catalogue.manifest,
                self.root,
                self.home,
                options,
                lambda endpoints: compile_all(self.catalogue, endpoints),
                report=tell,
            )
        )

    async def close(self) -> None:
        """Stop whatever runs."""
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self._open.aclose()

    @property
    def env(self) -> Mapping[str, str]:
        """Return the variables of the system as it runs now."""
        return self._neutral() | exported(self.home)

    @property
    def site(self) -> Site:
        """Return what backups need to know of the home."""
        env = self.env if self.home.env.is_file() else self._neutral()
        return Site(self.catalogue.manifest, self.root, self.home, env)

    # the port

    async def backup(self, kind: str) -> StepOutcome:
        """Take a backup into every repository: the first one is the keeper's own, unless the store was filled since."""
        if kind == FULL and not self.bulk_bytes:
            return await self._first_backup()
        if kind == FULL:
            await self._fill()
        await self.plant.before_backup(self, kind)
        site = self.site
        sources = self.plant.sources(sources_of(site), kind)
        async with backup_lock(self.home, BACKUP_SECONDS):
            repositories = [self.plant.repository(one, kind) for one in open_all(site)]
            catalogues = [await asyncio.to_thread(read_catalogue, one.vault) for one in repositories]
            system_id, timeline = await sources.database.prepare()
            parent = common_parent(catalogues, Situation(system_id, timeline, ""))
            wanted = Wanted(kind, kind, parent if kind == INCREMENTAL else "", configuration=True)
            try:
                outcome = await run_backup(wanted, sources, repositories, self.report)
            except BongsuError as error:
                return StepOutcome(ok=False, said=str(error))
        errors = "; ".join(f"{name}: {error}" for name, error in outcome.errors.items() if error)
        return StepOutcome(ok=outcome.ok, said=errors or f"{outcome.id} in {outcome.seconds:.1f} s")

    async def strike(self) -> float:
        """Kill the stores with signal 9 and delete everything but the surviving repository; return when.

        Whoever ships the log dies first: what was not shipped by then is lost, as with the machine.
        """
        await self.plant.before_strike(self)
        if self.stack is None or self.home.kind != PROOF:
            raise StateError("only a home that a drill made is destroyed", where=str(self.home.path))
        site = self.site
        self._before = configuration_of(site).files()
        survivor = next(one for one in site.backups.repositories if one.name == self.drill.source)
        lost = next(one for one in site.backups.repositories if one.name == self.drill.lost)
        shutil.copyfile(key_of(site, survivor), self.key)
        await self.stack.supervisor.abandon()
        struck_at = time.time()
        running = {process.name: process for process in self.stack.processes() if process.pid}
        for name in (BACKUPS, WAL_RECEIVER, *(store.name for store in self.catalogue.manifest.stores)):
            if (process := running.get(name)) is not None and process.pid:
                family = [(process.pid, process.known), *pids.descendants(process.pid)]
                await asyncio.to_thread(pids.end, family, signal.SIGKILL, KILL_SECONDS)
        self._delete(place_of(site, lost))
        await self._open.aclose()  # everything else of the machine dies too
        self.stack, self._starting, self._open = None, None, contextlib.AsyncExitStack()
        self.plant.after_strike(place_of(site, survivor), self.key)
        return struck_at

    async def restore(self) -> RestoreDone:
        """Restore from the surviving repository with nothing but its key, as a process of its own."""
        survivor = next(one for one in self.site.backups.repositories if one.name == self.drill.source)
        argv = [str(Path(sys.executable).parent / "bongsu"), "--root", str(self.root), "restore", "--to", "latest"]
        argv += ["--from", str(place_of(self.site, survivor)), "--key-file", str(self.key)]
        argv += ["--into", str(self.home.path), "--json"]
        env = self.plant.restore_environment(self._neutral(), self.outside)
        done = await run_command(argv, env, self.root, RESTORE_SECONDS)
        for line in done.err.splitlines():
            self.report(f"restore | {line}")
        if done.code != 0:
            return RestoreDone(
                ok=False, said=f"{_last_words(done.err)}{await self._named(place_of(self.site, survivor))}"
            )
        result: dict[str, Any] = json.loads(done.out)
        return RestoreDone(
            ok=True,
            said=f"{result['bytes'] / 1e6:.0f} MB, audit: {json.dumps(result['audit'])}",
            phases=result["phases"],
            reaches=float(result["reaches"]),
            repaired=tuple(result["repaired"]),
            bytes=int(result["bytes"]),
        )

    async def configuration(self) -> StepOutcome:
        """Compare the configuration that came back with the one before the disaster."""
        found = Configuration(self.home.data / "configuration" / TREE, (".",), self.home.path / "absent").files()
        before = {name: path for name, path in self._before.items() if name.startswith(f"{TREE}/")}
        names = differing(before, found)
        said = f"{len(before)} files, all as before" if not names else f"these differ: {', '.join(names[:5])}"
        return StepOutcome(ok=not names and bool(before), said=said)

    async def resumed(self) -> StepOutcome:
        """Wait until every repository has a full backup of the restored system, and read the old one whole again."""
        await self.started()
        began = time.time()
        deadline = time.monotonic() + RESUME_SECONDS
        wanted = len(self.site.backups.repositories)
        while time.monotonic() < deadline:
            try:
                found = await asyncio.to_thread(self._resumed_repositories)
            except StateError:  # one is still being made
                found = []
            if len(found) == wanted:
                return await self._still_whole(found, time.time() - began)
            await asyncio.sleep(POLL)
        return StepOutcome(ok=False, said=f"no full backup in every repository within {RESUME_SECONDS:g} s")

    # steps

    async def _named(self, repository: Path) -> str:
        """Return what a verification with nothing but the key finds in the repository that could not be restored."""
        argv = [str(Path(sys.executable).parent / "bongsu"), "--root", str(self.root), "backup"]
        argv += ["--home", str(self.home.path), "verify", "--from", str(repository), "--key-file", str(self.key)]
        done = await run_command(argv, self._neutral(), self.root, RESTORE_SECONDS)
        findings = [line.strip() for line in done.out.splitlines() if line.startswith("  ")]
        return f"; verification finds: {'; '.join(findings)}" if findings else ""

    def _resumed_repositories(self) -> list[Repository]:
        """Return the repositories with a full backup on the timeline that the restore began."""
        found = []
        for repository in open_all(self.site):
            catalogue = read_catalogue(repository.vault)
            head = catalogue.head
            parts = [backup.database for backup in catalogue.backups if backup.database]
            live = head.live.number if head else 0
            if live > 1 and any(part.kind == FULL and part.timeline == live for part in parts):
                found.append(repository)
        return found

    async def _still_whole(self, repositories: Sequence[Repository], seconds: float) -> StepOutcome:
        async with backup_lock(self.home, BACKUP_SECONDS):
            reports = [await verify(repository, time.time()) for repository in repositories]
        findings = [str(finding) for report in reports for finding in report.findings]
        said = f"shipped and backed up again after {seconds:.1f} s, every byte verified"
        return StepOutcome(ok=not findings, said="; ".join(findings[:3]) or said)

    async def _first_backup(self) -> StepOutcome:
        began = time.monotonic()
        why = await until_backed_up(self.site, BACKUP_SECONDS)
        return StepOutcome(ok=why is None, said=why or f"the keeper's first, after {time.monotonic() - began:.1f} s")

    async def _fill(self) -> None:
        argv = [fill(p, {"bytes": str(self.bulk_bytes), "seed": str(self.seed)}) for p in self.catalogue.manifest.bulk]
        done = await run_command(argv, self.env, self.root, BULK_SECONDS)
        if done.code != 0:
            raise StateError(f"the stores could not be filled: {_last_words(done.err)}")
        self.report(f"filled: {done.out.strip()}")

    @property
    def key(self) -> Path:
        """Return the key of the surviving repository, outside of everything."""
        return self.outside / "surviving.key"

    def _delete(self, lost: Path) -> None:
        """Delete both stores, the log, the secrets and the lost repository: all of it in the home that we made."""
        home = self.home.path
        for path in (home / generations.FOLDER, self.home.secrets, lost):
            if not path.resolve().is_relative_to(home.resolve()):
                raise StateError("lies outside the drill's own home and is not touched", where=str(path))
            shutil.rmtree(path)
        for path in (self.home.data, self.home.env, home / "backups.json"):
            path.unlink(missing_ok=True)
        self.home.secrets.mkdir(mode=0o700)

    def _neutral(self) -> dict[str, str]:
        """Return variables that lead to nothing of the caller's."""
        return base_environment(os.environ, self.home, binaries.search_path(os.environ), neutral=True)


@dataclass(slots=True)
class MarkerWriter:
    """The manifest's writer of markers as a child process; what is acknowledged is kept in a file outside the stack."""

    victim: StackVictim
    series: str
    _acks: list[Ack] = field(default_factory=list)
    _process: asyncio.subprocess.Process | None = None
    _reader: asyncio.Task[None] | None = None
    _stopped: bool = False

    async def start(self, rate: float) -> None:
        """Begin to write `rate` markers per second."""
        markers = self.victim.catalogue.manifest.markers
        if markers is None:
            raise StateError("the manifest has no `markers:`", where="bongsu.yaml", next="a drill measures by them")
        argv = [fill(part, {"series": self.series, "rate": f"{rate:g}"}) for part in markers.write]
        self._process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=self.victim.root,
            env=dict(self.victim.env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._reader = asyncio.create_task(self._read(self._process))

    async def stop(self) -> None:
        """Stop; a second stop does nothing."""
        self._stopped = True
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

    def acknowledged(self) -> Sequence[Ack]:
        """Return every acknowledged marker so far, in order."""
        return self._acks

    def failure(self) -> str | None:
        """Return why the writer is not running although nobody stopped it, or None."""
        if self._stopped or self._process is None or self._process.returncode is None:
            return None
        return f"it ended with exit code {self._process.returncode}"

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            raise StateError("the writer has no output to read")
        with (self.victim.outside / "acknowledged.jsonl").open("a", encoding="utf-8") as log:
            async for raw in process.stdout:
                line = json.loads(raw)
                log.write(raw.decode())
                log.flush()
                self._acks.append(Ack(int(line["marker"]), float(line["at"])))


@dataclass(frozen=True, slots=True)
class VictimQuestions:
    """The manifest's probe and markers, asked of whatever runs now."""

    victim: StackVictim
    series: str

    async def probe(self) -> StepOutcome:
        """Ask the golden question and check the answer."""
        return await ManifestHands(self.victim.catalogue.manifest, self.victim.env, str(self.victim.root)).probe()

    async def probe_all(self) -> StepOutcome:
        """Ask every golden question and check the answers and their sources."""
        manifest = self.victim.catalogue.manifest
        return await self._ask(manifest.probe_all or manifest.probe)

    async def ask_marker(self, number: int) -> StepOutcome:
        """Ask for one marker and check that the answer cites it."""
        markers = self.victim.catalogue.manifest.markers
        if markers is None or not markers.ask:
            return StepOutcome(ok=True, said="the manifest has no command that asks for a marker")
        return await self._ask([fill(p, {"series": self.series, "number": str(number)}) for p in markers.ask])

    async def find_markers(self) -> MarkersFound:
        """Return which markers are there; raise BongsuError when it cannot be told."""
        markers = self.victim.catalogue.manifest.markers
        if markers is None:
            raise StateError("the manifest has no `markers:`", where="bongsu.yaml")
        argv = [fill(part, {"series": self.series}) for part in markers.read]
        done = await run_command(argv, self.victim.env, self.victim.root, COMMAND_SECONDS)
        try:
            found = json.loads(done.out)
            ranges = {name: [(int(first), int(last)) for first, last in found[name]] for name in ("database", "index")}
            return MarkersFound(ranges["database"], ranges["index"], [int(one) for one in found["damaged"]])
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(f"the markers cannot be read (exit code {done.code}): {_last_words(done.err)}") from error

    async def _ask(self, argv: Sequence[str]) -> StepOutcome:
        done = await run_command(argv, self.victim.env, self.victim.root, COMMAND_SECONDS)
        said = (done.out or done.err).strip()
        return StepOutcome(ok=done.code == 0, said=said[-400:] or f"exit {done.code}")


def _last_words(text: str) -> str:
    """Return the end of what a command said, without its progress; from its error on when it ends with one."""
    lines = [line for line in text.strip().splitlines() if not line.startswith("[")]
    said = [number for number, line in enumerate(lines) if line.startswith(_ERROR)]
    lines = lines[said[-1] :] if said else lines
    return " ".join(" ".join(lines[-_LAST_WORDS:]).split()) or "it said nothing"
