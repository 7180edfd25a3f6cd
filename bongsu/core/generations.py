"""The data of a home in generations: one is in use, and changing to another is a single rename.

`data` is a symbolic link to `generations/N`, which holds every store's folder: both stores change at the same instant,
and what was in use before stays where it was. A generation that is being made has another name and is never taken for
a finished one.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from bongsu.core.artefacts import sync_folder
from bongsu.core.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LINK = "data"
FOLDER = "generations"
RESTORING = "restoring-"


def current(home: Path) -> Path | None:
    """Return the generation in use, None when there is none; raise StateError when the link leads nowhere."""
    link = home / LINK
    if not link.is_symlink():
        return None
    if not link.is_dir():
        raise StateError(
            f"leads to {link.readlink()}, which is not there",
            where=str(link),
            next="`bongsu restore --into` this home, or point the link at one of generations/",
        )
    return link


def ensure(home: Path, stores: Iterable[str]) -> Path:
    """Return the generation in use, made empty when the home never had one.

    Stores that an older version kept in the home itself are moved into it. A home with nothing but an interrupted
    restore is refused: starting it empty would hide that its data is elsewhere.
    """
    if (found := current(home)) is not None:
        return found
    if left := unfinished(home):
        raise StateError(
            f"a restore into this home was interrupted ({left[0].name}) and nothing else is here",
            where=str(home),
            next="run `bongsu restore` again; to start empty instead, remove that folder",
        )
    first = home / FOLDER / "first"
    first.mkdir(mode=0o700, parents=True, exist_ok=True)
    for store in stores:
        if (home / store).is_dir():
            (home / store).rename(first / store)
    return publish(home, first)


def unfinished(home: Path) -> list[Path]:
    """Return the generations that an interrupted restore left."""
    folder = home / FOLDER
    return sorted(folder.glob(f"{RESTORING}*")) if folder.is_dir() else []


def begin(home: Path, name: str) -> Path:
    """Return a new empty folder for a generation to be; what interrupted restores left is removed."""
    for left in unfinished(home):
        shutil.rmtree(left)
    made = home / FOLDER / f"{RESTORING}{name}"
    made.mkdir(mode=0o700, parents=True)
    return made


def publish(home: Path, made: Path) -> Path:
    """Put a finished generation in use and return the link; everything before the last rename can be interrupted."""
    folder = home / FOLDER
    taken = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]
    final = folder / str(max(taken, default=0) + 1)
    made.rename(final)
    sync_folder(folder)
    fresh = home / f".{LINK}.new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(final.relative_to(home))
    fresh.replace(home / LINK)
    sync_folder(home)
    return home / LINK
