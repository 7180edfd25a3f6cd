"""Restore both stores and the configuration to one instant, beside what is in use, and change over at the very end.

Fetch, combine, replay the log, roll the index forward, compare every vector, then one rename. Killed at any moment, the
home is what it was before, with an unfinished generation that nobody takes for data (core/generations.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bongsu.core import generations
from bongsu.core.artefacts import write_file
from bongsu.core.errors import BongsuError, StateError
from bongsu.recovery import wal
from bongsu.recovery.configuration import SECRETS, digest_of_copy
from bongsu.recovery.model import CONFIGURATION, DATABASE, VECTORS
from bongsu.recovery.plan import moment
from bongsu.recovery.ship import assemble

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from bongsu.recovery.model import ConfigurationPart, DatabasePart, VectorsPart
    from bongsu.recovery.plan import RestorePlan
    from bongsu.recovery.ports import Audit, Engine, Index, IndexServer, Repository, Served

RESULT = "restored.json"


@dataclass(frozen=True, slots=True)
class Target:
    """The home to restore into, and where in a generation each store's data lies (`vectors` empty: no index here)."""

    home: Path
    database: str
    vectors: str


@dataclass(frozen=True, slots=True)
class Tools:
    """What turns fetched bytes into running stores; the last three are None where no derived index is ours."""

    engine: Callable[[Path], Engine]
    server: IndexServer | None
    index: Index | None


@dataclass(slots=True)
class Restored:
    """What a restore did: seconds by phase, bytes fetched, what the audit found, and what it had to repair."""

    repository: str
    target: str
    reaches: float
    backups: list[str]
    vectors: str
    phases: dict[str, float] = field(default_factory=dict)
    bytes: int = 0
    beat: int = 0
    audit: dict[str, Any] = field(default_factory=dict)
    repaired: list[str] = field(default_factory=list)
    generation: str = ""
    aside: str = ""


async def restore(
    plan: RestorePlan, repository: Repository, target: Target, tools: Tools, report: Callable[[str], None]
) -> Restored:
    """Carry the plan out and return what was done; raise BongsuError, with the home as it was, when it cannot be."""
    made = generations.begin(target.home, secrets.token_hex(4))
    attempt = _Attempt(plan, repository, target, tools, report, made)
    try:
        await attempt.fetch()
        await attempt.bring_up()
        return attempt.change_over()
    except BaseException:
        with contextlib.suppress(OSError):
            shutil.rmtree(made)
        raise


@dataclass(slots=True)
class _Attempt:
    plan: RestorePlan
    repository: Repository
    target: Target
    tools: Tools
    report: Callable[[str], None]
    made: Path
    result: Restored = field(init=False)

    def __post_init__(self) -> None:
        self.result = Restored(
            repository=self.repository.name,
            target=moment(self.plan.target) if self.plan.target is not None else "latest",
            reaches=self.plan.reaches,
            backups=[backup.id for backup in self.plan.chain],
            vectors=self.plan.vectors.id if self.plan.vectors else "",
            bytes=self.plan.bytes,
        )

    @property
    def work(self) -> Path:
        return self.made / "work"

    # phases

    async def fetch(self) -> None:
        """Fetch everything at once: decryption uses every core."""
        self.work.mkdir()
        with self.phase("fetch"):
            jobs: list[Awaitable[None]] = [self.fetch_log(), self.fetch_configuration(), self.fetch_vectors()]
            jobs += [
                self.fetch_part(f"{DATABASE}-{number}", backup.database)
                for number, backup in enumerate(self.plan.chain)
                if backup.database
            ]
            try:
                async with asyncio.TaskGroup() as group:
                    for job in jobs:
                        group.create_task(_run(job))
            except BaseExceptionGroup as errors:
                raise _first(errors) from None
        with self.phase("combine"):
            self.database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            chain = [self.work / f"{DATABASE}-{number}" for number in range(len(self.plan.chain))]
            await self.engine.combine(chain, self.database)
            await asyncio.to_thread(self.place_log)

    async def bring_up(self) -> None:
        """Run both stores privately until they agree, then shut them down; the index starts beside the replay."""
        server, index = self.tools.server, self.tools.index
        if server is None or index is None or not self.target.vectors:
            await self.replay()
            return
        copied = asyncio.create_task(self.serve_copy(server))
        try:
            await self.replay(lambda database: self.reconcile(database, server, index, copied))
        finally:
            copied.cancel()
            ended = (await asyncio.gather(copied, return_exceptions=True))[0]
            if not isinstance(ended, BaseException):
                await server.end(ended)

    async def replay(self, then: Callable[[Served], Awaitable[None]] | None = None) -> None:
        """Replay the log to the instant, require all that was promised, do what comes `then`, shut down."""
        with self.phase("recover"):
            log = self.made / "postgres.log"
            database = await self.engine.recover(self.database, self.plan.timeline, self.plan.target, log)
        try:
            self.result.beat = await self.engine.beat(database.url)
            self.require_tail()
            if then is not None:
                await then(database)
        finally:
            with self.phase("stop"):
                await self.engine.end(database)

    async def serve_copy(self, server: IndexServer) -> Served:
        """Serve the copy of the index; raise StateError when there is none or it is torn."""
        folder = self.made / self.target.vectors
        if not folder.exists():
            raise StateError("no copy of the index is old enough")
        await asyncio.to_thread(server.check, folder)
        return await server.serve(folder, self.made / "index.log")

    async def reconcile(
        self, database: Served, server: IndexServer, index: Index, copied: asyncio.Task[Served]
    ) -> None:
        """Make the index agree with the database; a copy that does not let itself be used is built anew instead."""
        folder = self.made / self.target.vectors
        try:
            with self.phase("serve_index"):
                served = await copied
            await self.agree(database, served, index)
        except BongsuError as error:
            self.result.repaired.append(f"the index was built anew: {error}")
            self.report(f"index: {error}; building it anew from the database")
            if copied.done() and copied.exception() is None:
                await server.end(copied.result())
            if folder.exists():
                await asyncio.to_thread(shutil.rmtree, folder)
            folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.phase("serve_index"):
                served = await server.serve(folder, self.made / "index.log")
            try:
                await self.agree(database, served, index)
            finally:
                await server.end(served)

    async def agree(self, database: Served, served: Served, index: Index) -> None:
        """Roll the index forward and compare all of it with the database; what differs is healed and said."""
        with self.phase("roll_forward"):
            self.report(f"index: {await index.roll_forward(database.url, served.url)}")
        with self.phase("audit"):
            audit = await index.audit(database.url, served.url, heal=False)
            self.report(f"audit: {audit}")
            if not audit.ok:
                self.result.repaired.append(f"the index differed from the database: {audit}")
                audit = await index.audit(database.url, served.url, heal=True)
                self.report(f"healed: {audit}")
        self.note_audit(audit)

    def change_over(self) -> Restored:
        """Write down what was done, make it durable, and put it in use by one rename."""
        with self.phase("switch"):
            shutil.rmtree(self.work)
            self.bring_secrets()
            before = generations.current(self.target.home)
            self.result.aside = str(before.readlink()) if before else ""
            os.sync()
            write_file(self.made / RESULT, json.dumps(asdict(self.result), indent=2) + "\n", 0o600)
            self.result.generation = str(generations.publish(self.target.home, self.made).readlink())
        return self.result

    # steps

    async def fetch_part(self, name: str, part: DatabasePart | VectorsPart | ConfigurationPart) -> None:
        """Fetch one stored folder and count it: a program that exits 0 may have done nothing."""
        into = self.work / name
        await self.repository.snapshots.restore(part.snapshot, into)
        sizes = [path.stat().st_size for path in into.rglob("*") if path.is_file()] if into.is_dir() else []
        if (len(sizes), sum(sizes)) != (part.files, part.bytes):
            raise StateError(
                f"{len(sizes)} files and {sum(sizes)} bytes of the {name.partition('-')[0]} came back, "
                f"{part.files} files and {part.bytes} bytes were stored (snapshot {part.snapshot[:8]})",
                where=str(self.repository.path),
                next="restore from another repository; `bongsu backup verify` names what is damaged",
            )
        self.report(f"fetched {name}: {part.files} files, {part.bytes / 1e6:.1f} MB")

    async def fetch_vectors(self) -> None:
        if self.plan.vectors is not None and self.plan.vectors.vectors is not None and self.target.vectors:
            await self.fetch_part(VECTORS, self.plan.vectors.vectors)
            (self.work / VECTORS).rename(self.made / self.target.vectors)

    async def fetch_configuration(self) -> None:
        part = self.plan.configuration.configuration if self.plan.configuration else None
        if part is None:
            return
        await self.fetch_part(CONFIGURATION, part)
        found = await asyncio.to_thread(digest_of_copy, self.work / CONFIGURATION)
        if found != part.digest:
            raise StateError(
                f"the configuration that came back ({found[:12]}) is not the one that was stored ({part.digest[:12]})",
                where=str(self.repository.path),
                next="restore from another repository",
            )
        (self.work / CONFIGURATION).rename(self.made / CONFIGURATION)

    async def fetch_log(self) -> None:
        folder = self.work / "log"
        folder.mkdir()
        await asyncio.to_thread(self.write_log, folder)
        self.report(f"fetched log: {len(self.plan.log)} segments")

    def write_log(self, folder: Path) -> None:
        vault = self.repository.vault
        for segment, files in self.plan.log:
            whole = f"{files[0].rpartition('/')[0]}/{segment}" if files else ""
            if whole and vault.has(whole):  # also when it became whole after the plan was made
                content = vault.get(whole).content
            else:
                content = assemble([vault.get(file).content for file in files])
            if len(content) != wal.SEGMENT_BYTES:
                raise StateError(f"is {len(content)} bytes long, not {wal.SEGMENT_BYTES}", where=whole)
            (folder / segment).write_bytes(content)
        for name in self.plan.histories:
            (folder / name.rpartition("/")[2]).write_bytes(self.repository.vault.get(name).content)

    def place_log(self) -> None:
        """Put the log where the server looks when there is no archive: into pg_wal itself."""
        for file in (self.work / "log").iterdir():
            file.rename(self.database / "pg_wal" / file.name)

    def require_tail(self) -> None:
        """Require the heartbeat that the repository promised: all that was committed before it is there too."""
        if self.plan.target is None and self.result.beat < self.plan.beat:
            raise StateError(
                f"the tail is lost: the log was to reach heartbeat {self.plan.beat} ({moment(self.plan.reaches)}), the "
                f"database ends at {self.result.beat}",
                where=str(self.repository.path),
                next="restore from another repository",
            )

    def note_audit(self, audit: Audit) -> None:
        self.result.audit = {**asdict(audit), "ok": audit.ok}
        if not audit.ok:
            raise StateError(
                f"the index still differs from the database after it was healed: {audit}", where=str(self.made)
            )

    def bring_secrets(self) -> None:
        """Give a new home the secrets of the old one; those it has already stay."""
        stored = self.made / CONFIGURATION / SECRETS
        for file in stored.iterdir() if stored.is_dir() else ():
            kept = self.target.home / SECRETS / file.name
            if not kept.exists():
                kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.copyfile(file, kept)
                kept.chmod(0o600)

    @property
    def database(self) -> Path:
        return self.made / self.target.database

    @property
    def engine(self) -> Engine:
        return self.tools.engine(self.made / CONFIGURATION / SECRETS)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            seconds = time.monotonic() - began
            self.result.phases[name] = round(self.result.phases.get(name, 0.0) + seconds, 3)
            self.report(f"{name.replace('_', ' ')}: {seconds:.1f} s")


async def _run(job: Awaitable[None]) -> None:
    await job


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that a person can act on among those of jobs that ran at once."""
    return next((error for error in errors.exceptions if isinstance(error, BongsuError)), errors.exceptions[0])
