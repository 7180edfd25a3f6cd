"""What must be in a repository: every file's name, so that one that disappears is missed by name.

restic names its files by their SHA-256, sealed files are bound to their names: a name and the bytes are enough to judge
each file. The inventory only grows, except by what retention removes itself: a file that vanished stays in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.artefacts import UNFINISHED
from bongsu.recovery.catalogue import WAL, read_names, write_names

if TYPE_CHECKING:
    from pathlib import Path

    from bongsu.recovery.ports import Repository

_LOCKS = "restic/locks/"
_SEALED_LOG = f"sealed/{WAL}"


def present(path: Path) -> list[str]:
    """Return the files of a repository that an inventory speaks of: all but locks, the log and unfinished ones.

    The log is judged by its head and by the numbers of its segments; it changes every second.
    """
    names = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    return sorted(
        name
        for name in names
        if not name.startswith((_LOCKS, _SEALED_LOG))
        and not any(part.startswith(UNFINISHED) for part in name.split("/"))
        and "-tmp-" not in name  # restic writes beside the final name
    )


def extend(repository: Repository, now: float, *, removed: frozenset[str] = frozenset()) -> None:
    """Add what is new to the inventory; drop only `removed`."""
    known = set(read_names(repository.vault)) - removed
    write_names(repository.vault, sorted(known | set(present(repository.path))), now)
