"""Choose what a restore fetches: the newest base before the instant, the log from there, the index at or before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bongsu.core.errors import StateError
from bongsu.recovery import wal
from bongsu.recovery.catalogue import HEAD, part_file, segment_file
from bongsu.recovery.model import INCREMENTAL, Backup, Timeline, WalHead

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from bongsu.recovery.catalogue import Catalogue

CLOCK_SECONDS = 60.0
"""By so much may the clocks of the server and of whoever ships the log differ before too few segments are fetched."""


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What one restore does.

    `target` is Unix time, None for the newest instant. `chain` holds the full database backup and its increments in
    order. `log` maps each segment to the sealed files it is made of. Everything committed before `reaches` (Unix time)
    comes back; `end_lsn` is where the fetched log ends. `bytes` is what is fetched, before compression.
    """

    target: float | None
    chain: tuple[Backup, ...]
    log: tuple[tuple[str, tuple[str, ...]], ...]
    histories: tuple[str, ...]
    timeline: int
    vectors: Backup | None
    configuration: Backup | None
    reaches: float
    beat: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Log:
    """The sealed files below `wal/` that are there, and when each was shipped."""

    present: Collection[str]
    sealed_at: Callable[[str], float]


def make_plan(catalogue: Catalogue, log: Log, target: float | None) -> RestorePlan:
    """Return the plan for an instant; raise StateError that says what is missing and what can be restored instead."""
    head = catalogue.head
    if head is None:
        raise StateError("there is no log in this repository", where=HEAD, next="restore from another repository")
    if target is not None and target > head.covered_at:
        raise StateError(
            f"this repository reaches to {moment(head.covered_at)}, not to {moment(target)}",
            where=HEAD,
            next="restore --to latest, or from another repository",
        )
    live = _live_at(head, target)
    chain = _chain(catalogue.backups, head, live, target)
    base = chain[-1].database
    if base is None:  # _chain chooses backups of databases
        raise AssertionError
    end = _last_segment(head, live, log, base.end_lsn, target)
    names = wal.segments_between(live, base.timeline, base.start_lsn // wal.SEGMENT_BYTES, end)
    segments = tuple((name, _files(head, name)) for name in names)
    _require(segments, log.present)
    vectors = _newest(catalogue.backups, "vectors", live, target)
    configuration = _newest(catalogue.backups, "configuration", live, target)
    sizes = [one.database.bytes for one in chain if one.database]
    sizes += [one.vectors.bytes for one in (vectors,) if one and one.vectors]
    sizes += [one.configuration.bytes for one in (configuration,) if one and one.configuration]
    return RestorePlan(
        target=target,
        chain=chain,
        log=segments,
        histories=tuple(
            segment_file(head.system_id, wal.history_name(one.number)) for one in head.timelines if one.ancestors
        ),
        timeline=live.number,
        vectors=vectors,
        configuration=configuration,
        reaches=head.covered_at if target is None else target,
        beat=head.beat if target is None else 0,
        bytes=sum(sizes) + len(segments) * wal.SEGMENT_BYTES,
    )


def _live_at(head: WalHead, target: float | None) -> Timeline:
    """Return the timeline that was live at an instant: what was written on a branch left since is not restored."""
    if target is None:
        return head.live
    return next((one for one in reversed(head.timelines) if one.since <= target), head.timelines[0])


def _chain(backups: Sequence[Backup], head: WalHead, live: Timeline, target: float | None) -> tuple[Backup, ...]:
    by_id = {backup.id: backup for backup in backups}
    for newest in reversed(backups):
        part = newest.database
        if part is None or part.system_id != head.system_id or not live.holds(part.timeline, part.end_lsn):
            continue
        if target is not None and part.ended_at > target:
            continue
        chain = [newest]
        while (part := chain[-1].database) is not None and part.kind == INCREMENTAL and part.parent in by_id:
            chain.append(by_id[part.parent])
        if part is not None and part.kind != INCREMENTAL:
            return tuple(reversed(chain))
    oldest = min((b.database.ended_at for b in backups if b.database), default=None)
    known = f"the oldest restorable instant is {moment(oldest)}" if oldest else "it holds no backup of the database"
    what = "the newest instant" if target is None else moment(target)
    raise StateError(f"no database backup leads to {what}: {known}", next="restore from another repository")


def _last_segment(head: WalHead, live: Timeline, log: Log, start_lsn: int, target: float | None) -> int:
    """Return the number of the last segment to fetch: the open one, or the first shipped well after the instant."""
    last = wal.number_of(head.segment)
    if live is not head.live:  # a branch that was left ends with its last segment here
        own = [name.rsplit("/", 1)[-1].partition(".")[0] for name in log.present]
        own = [name for name in own if wal.is_segment(name) and wal.timeline_of(name) == live.number]
        last = max(map(wal.number_of, own), default=last)
    if target is None:
        return last
    for number in range(start_lsn // wal.SEGMENT_BYTES, last):
        name = segment_file(head.system_id, wal.segments_between(live, live.number, number, number)[0])
        if name in log.present and log.sealed_at(name) > target + CLOCK_SECONDS:
            return number
    return last


def _files(head: WalHead, segment: str) -> tuple[str, ...]:
    if segment == head.segment:
        return tuple(part_file(head.system_id, segment, number) for number in range(1, head.parts + 1))
    return (segment_file(head.system_id, segment),)


def _require(log: Sequence[tuple[str, tuple[str, ...]]], present: Collection[str]) -> None:
    missing = [
        file
        for segment, files in log
        for file in files
        # A segment may have become whole since the head was read: then its parts are gone and it is there.
        if file not in present and not (len(files) > 1 and _whole(file, segment) in present)
    ]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise StateError(
            f"this file of the log is missing{more}: nothing from it on can be restored from here",
            where=missing[0],
            next="restore from another repository, or --to an instant before it",
        )


def _whole(part: str, segment: str) -> str:
    return f"{part.rpartition('/')[0]}/{segment}"


def _newest(backups: Sequence[Backup], part: str, live: Timeline, target: float | None) -> Backup | None:
    for backup in reversed(backups):
        found = backup.parts.get(part)
        if found is None or (target is not None and found.ended_at > target):
            continue
        if backup.vectors is None or part != "vectors" or live.holds(backup.vectors.timeline, backup.vectors.lsn):
            return backup
    return None


def moment(at: float) -> str:
    """Return a Unix time as people and `--to` read it: UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
