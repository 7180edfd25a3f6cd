"""Let old backups go, with the log that only they needed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bongsu.recovery import inventory, wal
from bongsu.recovery.backup import BASES
from bongsu.recovery.catalogue import WAL, manifest_name, read_catalogue
from bongsu.recovery.schedule import expired, first_needed_segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bongsu.recovery.model import Backup
    from bongsu.recovery.ports import Repository


async def expire(repository: Repository, keep: float, now: float) -> list[Backup]:
    """Remove what is older than `keep` seconds and nobody needs; return the backups that went.

    The manifest goes first: from then on the backup is not listed, and a killed removal only leaves unused bytes.
    """
    catalogue = await asyncio.to_thread(read_catalogue, repository.vault)
    gone = expired(catalogue.backups, keep, now)
    if gone:
        before = set(inventory.present(repository.path))
        for backup in gone:
            repository.vault.delete(manifest_name(backup.id))
            repository.vault.delete(f"{BASES}{backup.id}")
        await repository.snapshots.forget([part.snapshot for backup in gone for part in backup.parts.values()])
        after = set(inventory.present(repository.path))
        await asyncio.to_thread(inventory.extend, repository, now, removed=frozenset(before - after))
    _drop_log(repository, [backup for backup in catalogue.backups if backup not in gone])
    return gone


def _drop_log(repository: Repository, kept: Sequence[Backup]) -> None:
    """Remove the log before the oldest backup, also that before the first one: nobody would miss a file of it."""
    first = first_needed_segment(kept)
    for name in repository.vault.names(WAL):
        segment = name.rpartition("/")[2].partition(".")[0]
        if wal.is_segment(segment) and wal.number_of(segment) < first:
            repository.vault.delete(name)
