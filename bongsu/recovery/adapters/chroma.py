"""A consistent copy of a Chroma folder while its server writes it.

Chroma 1.5 keeps SQLite (rollback journal, no WAL file) and HNSW segment files that must agree. Measured
(research/restore.md 2c): `cp -r` under a writer gives 2 good copies of 10; under SQLite's write lock 16 of 16, with
reads going on. Segment files are written by threads that may still be at work when we get the lock, so a copy counts
only if no file changed while it was made.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.core.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

DATABASE = "chroma.sqlite3"
TRIES = 5
_LOCK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ChromaVectors:
    """The folder of a running Chroma server; `ask_position` tells how far the index has been rolled forward."""

    folder: Path
    ask_position: Callable[[], Awaitable[int]]

    async def copy(self, into: Path) -> None:
        """Copy the index into an absent folder, consistent although it is being written; check the copy."""
        await asyncio.to_thread(copy_locked, self.folder, into)

    async def position(self) -> int:
        """Return the change of the source of truth that the index has reached."""
        return await self.ask_position()


def copy_locked(folder: Path, into: Path) -> None:
    """Copy a live folder under SQLite's write lock, again until nothing changed meanwhile; raise StateError.

    Writers wait for as long as one copy takes, readers do not.
    """
    for _ in range(TRIES):
        if _copy_once(folder, into):
            check(into)
            return
        shutil.rmtree(into)
    raise StateError(
        f"its files kept changing under the lock in {TRIES} tries",
        where=str(folder),
        next="take the copy at a quieter time",
    )


def _copy_once(folder: Path, into: Path) -> bool:
    try:
        # Not `with connect()`: that only ends the transaction.
        with closing(sqlite3.connect(f"file:{folder / DATABASE}?mode=rw", uri=True, timeout=_LOCK_SECONDS)) as lock:
            lock.isolation_level = None
            lock.execute("BEGIN IMMEDIATE")
            before = _state(folder)
            shutil.copytree(folder, into)
            unchanged = _state(folder) == before
            lock.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise StateError(f"no lock on the index: {error}", where=str(folder / DATABASE)) from error
    return unchanged


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    found = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {str(path): (stat.st_size, stat.st_mtime_ns) for path, stat in found.items()}


def check(folder: Path) -> None:
    """Raise StateError when the copy's SQLite file is absent or torn: a torn one opens, counts and answers."""
    file = folder / DATABASE
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as database:
            said = [str(row[0]) for row in database.execute("PRAGMA integrity_check(3)")]
    except sqlite3.Error as error:
        said = [str(error)]
    if said != ["ok"]:
        raise StateError(f"the copy of the index is torn: {said[0]}", where=str(file))
