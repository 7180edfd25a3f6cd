"""Decide what is due and what may go, from what the repositories hold and not from when somebody last tried; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.recovery import wal
from bongsu.recovery.model import CONFIGURATION, DATABASE, FULL, INCREMENTAL, VECTORS, Backup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bongsu.core.backups import Schedule
    from bongsu.recovery.catalogue import Catalogue
    from bongsu.recovery.model import DatabasePart

EARLY_SECONDS = 30.0
"""What falls due within half a minute is due: the schedule is looked at once a minute."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one backup takes: the kind of the database's and the index's copy, empty for none; configuration always.

    `parent` is the backup that an incremental copy of the database builds on.
    """

    database: str = ""
    vectors: str = ""
    parent: str = ""
    configuration: bool = False

    def __bool__(self) -> bool:
        return bool(self.database or self.vectors or self.configuration)


@dataclass(frozen=True, slots=True)
class Situation:
    """The cluster's identity and live timeline, the digest of the configuration today, and whether WAL was lost.

    `index` tells whether there is a derived index to copy.
    """

    system_id: str
    timeline: int
    configuration: str
    holes: bool = False
    index: bool = True


def due(catalogues: Sequence[Catalogue], schedule: Schedule, situation: Situation, now: float) -> Wanted:
    """Return what is due: whatever one of the repositories lacks is.

    A restored cluster (a new timeline), a gap in the log or a repository without a full backup asks for a full one.
    """
    parent = common_parent(catalogues, situation)
    wanted_database = ""
    if not parent or _oldest(catalogues, DATABASE, now, FULL) > schedule.database_full - EARLY_SECONDS:
        wanted_database = FULL
    elif _oldest(catalogues, DATABASE, now) > schedule.database_incremental - EARLY_SECONDS:
        wanted_database = INCREMENTAL
    wanted_vectors = _vectors_due(catalogues, schedule, now) if situation.index else ""
    changed = any(_digest(catalogue) != situation.configuration for catalogue in catalogues)
    return Wanted(
        wanted_database,
        wanted_vectors,
        parent if wanted_database == INCREMENTAL else "",
        changed or bool(wanted_database or wanted_vectors),
    )


def _vectors_due(catalogues: Sequence[Catalogue], schedule: Schedule, now: float) -> str:
    """Return the kind of copy of the index that is due, empty for none."""
    if _oldest(catalogues, VECTORS, now, FULL) > schedule.vectors_full - EARLY_SECONDS:
        return FULL
    return INCREMENTAL if _oldest(catalogues, VECTORS, now) > schedule.vectors_incremental - EARLY_SECONDS else ""


def common_parent(catalogues: Sequence[Catalogue], situation: Situation) -> str:
    """Return the newest database backup that every repository holds and an increment may build on; empty for none."""
    if situation.holes or not catalogues:
        return ""
    held = [
        {
            backup.id: backup
            for backup in catalogue.backups
            if backup.database is not None and _fits(backup.database, situation)
        }
        for catalogue in catalogues
    ]
    common = set.intersection(*(set(one) for one in held))
    return max(common, key=lambda backup: (held[0][backup].started_at, backup), default="")


def _fits(part: DatabasePart, situation: Situation) -> bool:
    return part.system_id == situation.system_id and part.timeline == situation.timeline


def _oldest(catalogues: Sequence[Catalogue], part: str, now: float, kind: str = "") -> float:
    """Return the age of the newest backup of a part in the repository that is worst off; infinite when it has none."""
    return max((now - newest(catalogue.backups, part, kind) for catalogue in catalogues), default=float("inf"))


def newest(backups: Sequence[Backup], part: str, kind: str = "") -> float:
    """Return when the newest backup of a part was complete, as Unix time; minus infinity when there is none."""
    found = [
        one.ended_at
        for backup in backups
        if (one := backup.parts.get(part)) is not None and kind in {"", getattr(one, "kind", "")}
    ]
    return max(found, default=float("-inf"))


def _digest(catalogue: Catalogue) -> str:
    found = [backup.configuration.digest for backup in catalogue.backups if backup.configuration]
    return found[-1] if found else ""


def expired(backups: Sequence[Backup], keep: float, now: float) -> list[Backup]:
    """Return the backups that may go: older than `keep` seconds, and nothing that is kept needs them.

    The newest backup of each part stays whatever its age, with all it builds on: the last good copy is never removed.
    """
    by_id = {backup.id: backup for backup in backups}
    kept = {backup.id for backup in backups if now - backup.finished_at <= keep}
    for part in (DATABASE, VECTORS, CONFIGURATION):
        of_part = [backup for backup in backups if part in backup.parts]
        kept |= {backup.id for backup in of_part[-1:]}
    pending = list(kept)
    while pending:
        part_kept = by_id[pending.pop()].database
        if part_kept is not None and part_kept.parent in by_id and part_kept.parent not in kept:
            kept.add(part_kept.parent)
            pending.append(part_kept.parent)
    return [backup for backup in backups if backup.id not in kept]


def first_needed_segment(backups: Sequence[Backup]) -> int:
    """Return the number of the oldest segment that a database backup needs; 0 when there is no such backup."""
    starts = [backup.database.start_lsn for backup in backups if backup.database is not None]
    return min(starts, default=0) // wal.SEGMENT_BYTES
