"""Planted defects of a drill: each spoils one thing on purpose, and the drill must fail and name it."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import httpx

from bongsu.core.errors import StateError
from bongsu.core.manifest import fill
from bongsu.recovery import wal
from bongsu.recovery.adapters.chroma import DATABASE as INDEX_FILE
from bongsu.recovery.adapters.repository import read_key
from bongsu.recovery.adapters.vault import SEALED, open_vault
from bongsu.recovery.catalogue import part_file, read_head, segment_file, write_head
from bongsu.recovery.model import CONFIGURATION, INCREMENTAL
from bongsu.stack import pids
from bongsu.stack.addresses import BACKUPS
from bongsu.stack.child import run_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bongsu.cli.victim import StackVictim
    from bongsu.recovery.backup import Sources
    from bongsu.recovery.ports import Base, Beat, Database, Repository, Saved, Snapshots, Vectors

STOPPED_SECONDS = 9.0
"""So long the keeper stands still before the disaster: more than the bar on the age of the log."""
_TENANT = "/api/v2/tenants/default_tenant/databases/default_database/collections"
_HTTP_SECONDS = 10.0
_COMMAND_SECONDS = 60.0


class Plant:
    """The plain one spoils nothing; each defect overrides one step."""

    name = ""

    async def before_backup(self, victim: StackVictim, kind: str) -> None:
        """Spoil the running system before a backup is taken."""

    def sources(self, sources: Sources, kind: str) -> Sources:  # noqa: ARG002 - the seam of the plants
        """Spoil what is copied."""
        return sources

    def repository(self, repository: Repository, kind: str) -> Repository:  # noqa: ARG002 - the seam of the plants
        """Spoil how it is stored."""
        return repository

    async def before_strike(self, victim: StackVictim) -> None:
        """Spoil the running system before the disaster."""

    def after_strike(self, repository: Path, key: Path) -> None:
        """Spoil what survived."""

    def restore_environment(self, env: Mapping[str, str], outside: Path) -> dict[str, str]:  # noqa: ARG002 - as above
        """Spoil the tools of the restore."""
        return dict(env)


class FlippedBit(Plant):
    """One bit of the largest file of the surviving repository."""

    name = "flipped-bit"

    def after_strike(self, repository: Path, key: Path) -> None:  # noqa: ARG002 - the seam of the plants
        """Flip it in the middle."""
        packs = (path for path in (repository / "restic/data").rglob("*") if path.is_file())
        flip(max(packs, key=lambda path: path.stat().st_size))


class MissingWal(Plant):
    """The first file of the log that the restore needs."""

    name = "missing-wal"

    def after_strike(self, repository: Path, key: Path) -> None:
        """Delete the first part of the segment that was open at the disaster."""
        vault = open_vault(repository, read_key(key))
        head = read_head(vault)
        if head is None:
            raise StateError("there is no log to spoil", where=str(repository))
        name = part_file(head.system_id, head.segment, 1)
        if not vault.has(name):  # the disaster came right after a switch of segments
            name = segment_file(head.system_id, wal.segment_name(head.live.number, wal.number_of(head.segment) - 1))
        (repository / SEALED / name).unlink()


class LostTail(Plant):
    """The last parts of the log, with a head that is whole in itself but still promises their heartbeats."""

    name = "lost-tail"

    def after_strike(self, repository: Path, key: Path) -> None:
        """Let the log end before the segment that was open."""
        vault = open_vault(repository, read_key(key))
        head = read_head(vault)
        if head is None:
            raise StateError("there is no log to spoil", where=str(repository))
        write_head(vault, dataclasses.replace(head, parts=max(1, head.parts // 4)))


class WrongKey(Plant):
    """Another key than the repository's."""

    name = "wrong-key"

    def after_strike(self, repository: Path, key: Path) -> None:  # noqa: ARG002 - the seam of the plants
        """Replace it."""
        key.write_text("0123456789abcdef0123456789abcdef", encoding="ascii")


class IdleTool(Plant):
    """A restic that exits 0 and does nothing."""

    name = "idle-tool"

    def restore_environment(self, env: Mapping[str, str], outside: Path) -> dict[str, str]:
        """Put it first on PATH."""
        folder = outside / "idle"
        folder.mkdir()
        idle = folder / "restic"
        idle.write_text("#!/bin/sh\nexit 0\n", encoding="ascii")
        idle.chmod(0o755)
        return {**env, "PATH": f"{folder}:{env['PATH']}"}


class LogStopped(Plant):
    """A keeper that stands still while acknowledged work goes on."""

    name = "log-stopped"

    async def before_strike(self, victim: StackVictim) -> None:
        """Stop it by signal, as a hung disk would."""
        if victim.stack is not None:
            for process in victim.stack.processes():
                if process.name == BACKUPS:
                    victim.report(f"planted: {BACKUPS} stands still for {STOPPED_SECONDS:g} s")
                    pids.send(process.pid, process.known, signal.SIGSTOP)
        await asyncio.sleep(STOPPED_SECONDS)


class MarkerGap(Plant):
    """A marker that was acknowledged and is deleted again before the disaster."""

    name = "marker-gap"

    def __init__(self) -> None:
        self.series = ""

    async def before_strike(self, victim: StackVictim) -> None:
        """Let the system forget one from the middle, and go on until later ones are there."""
        markers = victim.catalogue.manifest.markers
        if markers is None or not markers.forget:
            raise StateError("the manifest names no command that forgets a marker", next="add markers.forget")
        argv = [fill(part, {"series": self.series, "number": "2"}) for part in markers.forget]
        done = await run_command(argv, victim.env, victim.root, _COMMAND_SECONDS)
        if done.code != 0:
            raise StateError(f"the marker was not forgotten: {done.err.strip()}")
        await asyncio.sleep(2.0)


class ChangedVector(Plant):
    """One vector of the index, changed behind its source's back before it is copied."""

    name = "changed-vector"

    async def before_backup(self, victim: StackVictim, kind: str) -> None:
        """Overwrite the first vector of the largest collection with its opposite."""
        if kind != INCREMENTAL or victim.stack is None:
            return
        store = next(store for store in victim.catalogue.manifest.stores if store.kind == "chroma")
        base = victim.stack.urls[store.name] + _TENANT
        async with httpx.AsyncClient(trust_env=False, timeout=_HTTP_SECONDS) as client:
            collection = (await client.get(base)).json()[0]["id"]
            asked = {"limit": 1, "include": ["embeddings"]}
            got = (await client.post(f"{base}/{collection}/get", json=asked)).json()
            opposite = [[-x for x in got["embeddings"][0]]]
            body = {"ids": got["ids"], "embeddings": opposite}
            (await client.post(f"{base}/{collection}/upsert", json=body)).raise_for_status()
        victim.report(f"planted: the vector of {got['ids'][0]} is changed")


class StaleVectors(Plant):
    """A copy of the index that claims to be newer than it is."""

    name = "stale-vectors"

    def sources(self, sources: Sources, kind: str) -> Sources:
        """Raise every number in the copy's metadata: what came after the copy will not be applied to it."""
        if kind != INCREMENTAL or sources.vectors is None:
            return sources
        return dataclasses.replace(sources, vectors=_SpoiledVectors(sources.vectors, _claim_more))


class TornIndex(Plant):
    """A copy of the index whose SQLite file is torn, as `cp -r` of a live folder makes them."""

    name = "torn-index"

    def sources(self, sources: Sources, kind: str) -> Sources:
        """Tear it after it was checked."""
        if kind != INCREMENTAL or sources.vectors is None:
            return sources
        return dataclasses.replace(sources, vectors=_SpoiledVectors(sources.vectors, _tear))


class EmptyBackup(Plant):
    """A base backup that holds nothing, from a program that exits 0."""

    name = "empty-backup"

    def sources(self, sources: Sources, kind: str) -> Sources:
        """Make an empty folder instead of a copy."""
        if kind != INCREMENTAL:
            return sources
        return dataclasses.replace(sources, database=_EmptyDatabase(sources.database))


class WrongConfiguration(Plant):
    """A stored configuration that is not the one its manifest speaks of."""

    name = "wrong-configuration"

    def repository(self, repository: Repository, kind: str) -> Repository:
        """Change a file between the hash and the store."""
        if kind != INCREMENTAL:
            return repository
        return dataclasses.replace(repository, snapshots=_SpoiledSnapshots(repository.snapshots))


PLANTS: Mapping[str, type[Plant]] = {
    plant.name: plant
    for plant in (
        FlippedBit,
        MissingWal,
        TornIndex,
        ChangedVector,
        StaleVectors,
        LostTail,
        MarkerGap,
        WrongConfiguration,
        EmptyBackup,
        LogStopped,
        IdleTool,
        WrongKey,
    )
}


@dataclasses.dataclass(frozen=True, slots=True)
class _SpoiledVectors:
    vectors: Vectors
    spoil: Callable[[Path], None]

    async def copy(self, into: Path) -> None:
        """Copy, check, then spoil."""
        await self.vectors.copy(into)
        self.spoil(into)

    async def position(self) -> int:
        """Return the position of the real one."""
        return await self.vectors.position()


@dataclasses.dataclass(frozen=True, slots=True)
class _EmptyDatabase:
    database: Database

    async def prepare(self) -> tuple[str, int]:
        """Make what heartbeats need."""
        return await self.database.prepare()

    async def base(self, into: Path, parent: Path | None) -> Base:
        """Take the real copy for its numbers, and leave nothing of it."""
        base = await self.database.base(into, parent)
        manifest = (into / "backup_manifest").read_bytes()
        shutil.rmtree(into)
        into.mkdir()
        (into / "backup_manifest").write_bytes(manifest)
        return base

    async def beat(self) -> Beat:
        """Commit a heartbeat."""
        return await self.database.beat()


@dataclasses.dataclass(frozen=True, slots=True)
class _SpoiledSnapshots:
    snapshots: Snapshots

    async def save(self, folder: Path, part: str, *, whole: bool) -> Saved:
        """Change one letter of the configuration, then store it."""
        if part == CONFIGURATION:
            file = next(path for path in sorted(folder.rglob("*.yaml")) if path.stat().st_size)
            text = file.read_bytes()
            file.write_bytes(text[:-2] + b"#" + text[-1:])
        return await self.snapshots.save(folder, part, whole=whole)

    async def listed(self, saved: Sequence[str]) -> list[str]:
        """Return the full ids of snapshots that were just saved."""
        return await self.snapshots.listed(saved)

    async def restore(self, snapshot: str, into: Path) -> None:
        """Write a stored folder's content into `into`."""
        await self.snapshots.restore(snapshot, into)

    async def ids(self) -> set[str]:
        """Return the ids of all snapshots."""
        return await self.snapshots.ids()

    async def forget(self, snapshots: Sequence[str]) -> None:
        """Remove snapshots."""
        await self.snapshots.forget(snapshots)

    async def check(self) -> list[str]:
        """Return what is wrong."""
        return await self.snapshots.check()


def _claim_more(folder: Path) -> None:
    with closing(sqlite3.connect(folder / INDEX_FILE)) as database:
        changed = database.execute(
            "UPDATE collection_metadata SET int_value = int_value + 1000000 WHERE int_value IS NOT NULL"
        )
        database.commit()
    if not changed.rowcount:
        raise StateError("the index states no position that could be raised", where=str(folder))


def _tear(folder: Path) -> None:
    file = folder / INDEX_FILE
    with file.open("r+b") as stream:
        stream.seek(file.stat().st_size // 2)
        stream.write(b"\0" * 16384)


def flip(file: Path) -> None:
    """Flip one bit in the middle of a file."""
    middle = file.stat().st_size // 2
    with file.open("r+b") as stream:
        stream.seek(middle)
        byte = stream.read(1)[0]
        stream.seek(middle)
        stream.write(bytes([byte ^ 1]))
