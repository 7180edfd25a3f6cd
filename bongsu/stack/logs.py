"""Logs of the processes: appended files, each bounded to twice the limit by rotation in place."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_BYTES = 16 * 1024 * 1024
_TAIL_BYTES = 16 * 1024


def rotate(folder: Path, limit: int = LIMIT_BYTES) -> list[str]:
    """Move the content of every log above `limit` bytes to NAME.log.1 and return the names.

    Copied and truncated in place: the processes keep appending (O_APPEND) to the file they have open. What they write
    between the two steps is lost, at most some lines per 16 MiB.
    """
    rotated = []
    for path in sorted(folder.glob("*.log")):
        if path.stat().st_size > limit:
            shutil.copyfile(path, path.with_suffix(".log.1"))
            path.with_suffix(".log.1").chmod(0o600)
            os.truncate(path, 0)
            rotated.append(path.name)
    return rotated


def tail(path: Path, lines: int = 20) -> str:
    """Return the last lines of a log, empty when there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - _TAIL_BYTES))
            text = stream.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-lines:])
