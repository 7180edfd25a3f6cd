"""Backups and heads of logs as tests need them: only what a test is about is said."""

from __future__ import annotations

from bongsu.recovery.model import (
    FULL,
    INCREMENTAL,
    Backup,
    ConfigurationPart,
    DatabasePart,
    Timeline,
    VectorsPart,
    WalHead,
)
from bongsu.recovery.wal import SEGMENT_BYTES, segment_name

SYSTEM = "7000000000000000001"
HOUR, DAY = 3600.0, 86400.0


def full(name: str, at: float, *, segment: int = 1, timeline: int = 1, vectors: bool = True) -> Backup:
    """Return a full backup at Unix time `at`, consistent inside the given segment."""
    return _backup(name, at, FULL, "", segment=segment, timeline=timeline, vectors=vectors)


def incremental(name: str, at: float, parent: str, *, segment: int = 1, timeline: int = 1) -> Backup:
    """Return an incremental backup of the database alone."""
    return _backup(name, at, INCREMENTAL, parent, segment=segment, timeline=timeline, vectors=False)


def _backup(name: str, at: float, kind: str, parent: str, *, segment: int, timeline: int, vectors: bool) -> Backup:
    start = segment * SEGMENT_BYTES + 100
    return Backup(
        name,
        at - 5,
        at,
        DatabasePart(kind, parent, f"db-{name}", SYSTEM, timeline, start, start + 200, at, 10, 1000),
        VectorsPart(FULL, f"vec-{name}", 7, timeline, start + 200, at, 3, 500) if vectors else None,
        ConfigurationPart(f"conf-{name}", "digest", at, 2, 50),
    )


def head(
    at: float, *, segment: int = 3, parts: int = 2, timelines: tuple[Timeline, ...] = (Timeline(1, 0.0),)
) -> WalHead:
    """Return the head of a log that covers everything up to `at` and ends in the given segment."""
    name = segment_name(timelines[-1].number, segment)
    return WalHead(SYSTEM, name, parts, segment * SEGMENT_BYTES + 8192, 99, at, at, timelines)
