"""Take one backup: copy, check the copy, store it in every repository, and only then write its manifest.

Killed or interrupted at any moment, a backup leaves a work folder that the next one removes and stored files that no
manifest names: it is never listed as restorable, and nothing that was there before has changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bongsu.core.errors import BongsuError, StateError
from bongsu.recovery import inventory
from bongsu.recovery.catalogue import read_head, write_backup
from bongsu.recovery.configuration import digest_of_copy
from bongsu.recovery.model import (
    CONFIGURATION,
    DATABASE,
    FULL,
    VECTORS,
    Backup,
    ConfigurationPart,
    DatabasePart,
    VectorsPart,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bongsu.recovery.configuration import Configuration
    from bongsu.recovery.ports import Base, Beat, Database, Repository, Saved, Vault, Vectors
    from bongsu.recovery.schedule import Wanted

WORK = "backup-"
BASES = "bases/"
BASE_MANIFEST = "backup_manifest"
WAL_SECONDS = 120.0
"""So long may the log take to reach a repository after the copy was made, before the copy counts as failed."""
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Sources:
    """What is backed up; `vectors` is None where no derived index is ours. `spool` is a folder for work."""

    database: Database
    vectors: Vectors | None
    configuration: Configuration
    spool: Path
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Copies:
    """The copies that lie in the work folder, described; `lacking` says why the index is not among them."""

    base: Base | None = None
    base_beat: Beat | None = None
    position: int = 0
    vectors_beat: Beat | None = None
    digest: str = ""
    configuration_at: float = 0.0
    lacking: str = ""


@dataclass(slots=True)
class Outcome:
    """What became of one backup: its id, what it took, and per repository why it failed there (empty for success)."""

    id: str
    wanted: Wanted
    seconds: float = 0.0
    errors: dict[str, str] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Tell whether every repository has it."""
        return not any(self.errors.values())


async def run_backup(
    wanted: Wanted, sources: Sources, repositories: Sequence[Repository], report: Callable[[str], None]
) -> Outcome:
    """Take one backup into every repository; one that fails does not keep the others from it.

    Raise BongsuError when the copies themselves cannot be made. The caller holds the lock of the spool.
    """
    started_at, began = time.time(), time.monotonic()
    outcome = Outcome(f"{datetime.fromtimestamp(started_at, UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}", wanted)
    clear_work(sources.spool)
    work = sources.spool / f"{WORK}{outcome.id}"
    work.mkdir(mode=0o700, parents=True)
    try:
        copies = await _copy(wanted, sources, repositories, work, report)
        stores = [_store_in(one, outcome, copies, sources, work, started_at, report) for one in repositories]
        await asyncio.gather(*stores)
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(work)
    outcome.seconds = time.monotonic() - began
    return outcome


async def _store_in(  # noqa: PLR0917 - one call, and each of them is needed
    repository: Repository,
    outcome: Outcome,
    copies: Copies,
    sources: Sources,
    work: Path,
    started_at: float,
    report: Callable[[str], None],
) -> None:
    """Store the copies in one repository and note how it went."""
    try:
        backup = await _store(outcome, copies, sources, repository, work, started_at)
    except BongsuError as error:
        outcome.errors[repository.name] = str(error)
        report(f"{repository.name}: failed: {error}")
        return
    outcome.errors[repository.name] = copies.lacking
    outcome.bytes = {name: part.bytes for name, part in backup.parts.items()}
    report(f"{repository.name}: {describe(backup)}")


def clear_work(spool: Path) -> None:
    """Remove the work folders that killed backups left."""
    for path in spool.glob(f"{WORK}*"):
        shutil.rmtree(path)


async def _copy(
    wanted: Wanted, sources: Sources, repositories: Sequence[Repository], work: Path, report: Callable[[str], None]
) -> Copies:
    """Make the copies, each checked by who knows how."""
    base, base_beat, position, vectors_beat, lacking = None, None, 0, None, ""
    if wanted.database:
        parent = await asyncio.to_thread(_parent_manifest, wanted.parent, repositories, work) if wanted.parent else None
        base = await sources.database.base(work / DATABASE, parent)
        base_beat = await sources.database.beat()
        report(f"database ({wanted.database}): {base.files} files, {base.bytes / 1e6:.1f} MB")
    if wanted.vectors and sources.vectors is not None:
        try:
            position = await sources.vectors.position()
            await sources.vectors.copy(work / VECTORS)
            vectors_beat = await sources.database.beat()
            report(f"vectors ({wanted.vectors}): up to change {position}")
        except BongsuError as error:  # it can be built anew from the database; the database cannot
            lacking = f"no copy of the index: {error}"
            report(lacking)
    # Hashed from the copy: a file that changes meanwhile is in it either before or after, never half of each.
    await asyncio.to_thread(sources.configuration.copy, work / CONFIGURATION)
    digest = await asyncio.to_thread(digest_of_copy, work / CONFIGURATION)
    return Copies(base, base_beat, position, vectors_beat, digest, time.time(), lacking)


def _parent_manifest(parent: str, repositories: Sequence[Repository], work: Path) -> Path:
    """Write the parent's manifest, which PostgreSQL compares with, from the first repository that has it whole."""
    problem: StateError | None = None
    for repository in repositories:
        try:
            content = repository.vault.get(f"{BASES}{parent}").content
        except StateError as error:
            problem = error
            continue
        path = work / "parent_manifest"
        path.write_bytes(content)
        return path
    raise problem or StateError("there is no repository")


async def _store(  # noqa: PLR0917 - one call, and each of them is needed
    outcome: Outcome, copies: Copies, sources: Sources, repository: Repository, work: Path, started_at: float
) -> Backup:
    """Store the copies in one repository, wait for the log that belongs to them, write the manifest."""
    vault, wanted = repository.vault, outcome.wanted
    kinds = {DATABASE: wanted.database, VECTORS: wanted.vectors, CONFIGURATION: ""}
    there = [name for name in kinds if (work / name).is_dir()]
    saved = {name: await _save(repository, work / name, name, whole=kinds[name] == FULL) for name in there}
    snapshots = dict(zip(there, await repository.snapshots.listed([saved[n].snapshot for n in there]), strict=True))
    database = vectors = None
    if (base := copies.base) is not None and copies.base_beat is not None:
        manifest = (work / DATABASE / BASE_MANIFEST).read_bytes()
        await asyncio.to_thread(vault.put, f"{BASES}{outcome.id}", manifest, time.time())
        await _wait_for_log(vault, base, copies.base_beat)
        database = DatabasePart(
            kind=wanted.database,
            parent=wanted.parent,
            snapshot=snapshots[DATABASE],
            system_id=base.system_id,
            timeline=base.timeline,
            start_lsn=base.start_lsn,
            end_lsn=base.end_lsn,
            ended_at=copies.base_beat.at,
            files=saved[DATABASE].files,
            bytes=saved[DATABASE].bytes,
        )
    if copies.vectors_beat is not None:
        head = await asyncio.to_thread(read_head, vault)
        vectors = VectorsPart(
            kind=wanted.vectors,
            snapshot=snapshots[VECTORS],
            position=copies.position,
            timeline=head.live.number if head else 0,
            lsn=copies.vectors_beat.lsn,
            ended_at=copies.vectors_beat.at,
            files=saved[VECTORS].files,
            bytes=saved[VECTORS].bytes,
        )
    configuration = ConfigurationPart(
        snapshot=snapshots[CONFIGURATION],
        digest=copies.digest,
        ended_at=copies.configuration_at,
        files=saved[CONFIGURATION].files,
        bytes=saved[CONFIGURATION].bytes,
    )
    backup = Backup(outcome.id, started_at, time.time(), database, vectors, configuration, dict(sources.versions))
    await asyncio.to_thread(write_backup, vault, backup)
    await asyncio.to_thread(inventory.extend, repository, time.time())
    return backup


async def _save(repository: Repository, folder: Path, part: str, *, whole: bool) -> Saved:
    """Store a folder and compare what the tool says with what is there: it may have skipped what it could not read."""
    saved = await repository.snapshots.save(folder, part, whole=whole)
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    if (saved.files, saved.bytes) != (len(sizes), sum(sizes)):
        raise StateError(
            f"of the {part}, {saved.files} files and {saved.bytes} bytes were stored; there are {len(sizes)} files and "
            f"{sum(sizes)} bytes",
            where=str(repository.path),
        )
    return saved


async def _wait_for_log(vault: Vault, base: Base, beat: Beat) -> None:
    """Wait until the log that makes the copy consistent is there too; without it the copy is worth nothing."""
    deadline = time.monotonic() + WAL_SECONDS
    while True:
        head = await asyncio.to_thread(read_head, vault)
        if head is not None and head.end_lsn >= base.end_lsn and head.beat >= beat.number:
            return
        if time.monotonic() > deadline:
            reaches = f"ends at heartbeat {head.beat}, not {beat.number}" if head else "was never shipped"
            raise StateError(
                f"the log {reaches}: it does not arrive",
                next="`bongsu status` shows wal-receiver and backups; a base backup without its log is not restorable",
            )
        await asyncio.sleep(_POLL_SECONDS)


def describe(backup: Backup) -> str:
    """Return one line about a finished backup."""
    parts = [
        f"{name}{f' {kind}' if (kind := getattr(part, 'kind', '')) else ''} {part.bytes / 1e6:.1f} MB"
        for name, part in backup.parts.items()
    ]
    return f"{backup.id} holds {', '.join(parts)}"
