"""Read every byte of a repository and name what is not as it was written.

Exit codes of backup tools lie and counting is no proof (research/restore.md 0): each file is judged by its own hash or
seal, what is absent by the inventory and by the numbers of the log.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bongsu.core.errors import StateError
from bongsu.recovery import inventory, wal
from bongsu.recovery.catalogue import (
    HEAD,
    INVENTORY,
    MANIFESTS,
    VERIFIED,
    WAL,
    Catalogue,
    part_file,
    read_catalogue,
    read_head,
    read_names,
    segment_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bongsu.recovery.ports import Repository, Vault

RESTIC_CONFIG = "restic-config"
_CONFIG = "restic/config"
_BY_HASH = ("restic/data/", "restic/index/", "restic/snapshots/", "restic/keys/")
_SEALED = "sealed/"
_BLOCK = 1 << 20
LOOKS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One file (its path) and what is wrong with it."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


@dataclass(slots=True)
class Report:
    """What was read and what was found; `backups` is how many are listed as restorable."""

    repository: str
    files: int = 0
    bytes: int = 0
    backups: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Tell whether everything is as it was written."""
        return not self.findings


async def verify(repository: Repository, now: float) -> Report:
    """Return what is wrong with a repository; note in it when all is right."""
    report = await asyncio.to_thread(_read_everything, repository)
    try:
        catalogue = await asyncio.to_thread(read_catalogue, repository.vault)
    except StateError as error:
        _add(report, Finding(error.where, error.what))
    else:
        report.backups = len(catalogue.backups)
        await _snapshots(repository, catalogue, report)
    if report.ok:
        repository.vault.put(VERIFIED, str(now).encode(), now)
    return report


def _read_everything(repository: Repository) -> Report:
    report = Report(repository.name)
    try:
        known = set(read_names(repository.vault))
    except StateError as error:
        known = set()
        _add(report, Finding(error.where, error.what))
    if not repository.vault.has(INVENTORY) and repository.vault.names(MANIFESTS):
        _add(report, Finding(str(repository.path / _SEALED / INVENTORY), "is missing"))
    there = set(inventory.present(repository.path))
    for name in sorted(known - there):
        _add(report, Finding(str(repository.path / name), "is missing"))
    for name in sorted(there):
        _judge(repository, name, report)
    for name, what in _log(repository.vault, report):
        _add(report, Finding(str(repository.path / _SEALED / name), what))
    return report


def _judge(repository: Repository, name: str, report: Report) -> None:
    file = repository.path / name
    report.files += 1
    report.bytes += file.stat().st_size
    try:
        if name.startswith(_BY_HASH) and _sha256(file) != file.name:
            _add(report, Finding(str(file), "its bytes are not those that were written: its name is their SHA-256"))
        elif name == _CONFIG and _sha256(file).encode() != repository.vault.get(RESTIC_CONFIG).content:
            _add(report, Finding(str(file), "its bytes are not those that were written"))
        elif name.startswith(_SEALED):
            repository.vault.get(name.removeprefix(_SEALED))
    except StateError as error:
        _add(report, Finding(error.where, error.what))
    except OSError as error:
        _add(report, Finding(str(file), f"cannot be read: {error.strerror}"))


def _log(vault: Vault, report: Report) -> Iterator[tuple[str, str]]:
    """Yield each file of the log that is damaged, and each that a backup needs and is not there."""
    names = vault.names(WAL)
    report.files += len(names)
    for name in names:
        try:
            report.bytes += len(vault.get(name).content)
        except StateError as error:
            if vault.has(name):  # parts go when their segment becomes whole: what is missing is judged below
                yield name, error.what
    missing: set[str] = set()
    for _ in range(LOOKS):  # while we look, the shipper goes on: only what is missing from a head that stays is missing
        try:
            catalogue = read_catalogue(vault)
            missing = required_log(catalogue) - set(vault.names(WAL))
            if not missing or read_head(vault) == catalogue.head:
                break
        except StateError as error:
            if not vault.has(HEAD):
                yield HEAD, error.what
            return
    for name in sorted(missing):
        yield name, "is missing"


def required_log(catalogue: Catalogue) -> set[str]:
    """Return the sealed files of the log between the oldest backup on the way to the live timeline and the head."""
    head = catalogue.head
    if head is None or not head.segment:
        return set()
    wanted = {part_file(head.system_id, head.segment, number) for number in range(1, head.parts + 1)}
    wanted |= {segment_file(head.system_id, wal.history_name(one.number)) for one in head.timelines if one.ancestors}
    for backup in catalogue.backups:
        part = backup.database
        if part is not None and part.system_id == head.system_id and head.live.holds(part.timeline, part.end_lsn):
            last = wal.number_of(head.segment) - 1
            first = part.start_lsn // wal.SEGMENT_BYTES
            names = wal.segments_between(head.live, part.timeline, first, last)
            wanted |= {segment_file(head.system_id, name) for name in names}
    return wanted


async def _snapshots(repository: Repository, catalogue: Catalogue, report: Report) -> None:
    """Check that what the manifests name exists, and that restic's own structure holds together."""
    ids = {backup.id for backup in catalogue.backups}
    try:
        known = await repository.snapshots.ids()
    except StateError as error:
        _add(report, Finding(error.where, error.what))
        return
    for backup in catalogue.backups:
        manifest = str(repository.path / _SEALED / MANIFESTS / backup.id)
        for name, part in backup.parts.items():
            if part.snapshot not in known:
                _add(report, Finding(manifest, f"names snapshot {part.snapshot[:8]} of the {name}, which is gone"))
        if backup.database is not None and backup.database.parent and backup.database.parent not in ids:
            _add(report, Finding(manifest, f"builds on backup {backup.database.parent}, which is gone"))
    if report.ok:  # restic repeats in its own words what was found above
        report.findings += [Finding(str(repository.path), said) for said in await repository.snapshots.check()]


def _add(report: Report, finding: Finding) -> None:
    if finding not in report.findings:
        report.findings.append(finding)


def _sha256(file: Path) -> str:
    total = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            total.update(block)
    return total.hexdigest()
