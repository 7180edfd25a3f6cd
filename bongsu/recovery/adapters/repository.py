"""A repository: a folder with sealed files and a restic repository beside them, under one key."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

from bongsu.core.artefacts import sync_folder
from bongsu.core.errors import StateError
from bongsu.recovery.adapters.restic import FOLDER, ResticSnapshots
from bongsu.recovery.adapters.vault import ABOUT, create_vault, open_vault
from bongsu.recovery.ports import Repository
from bongsu.recovery.verify import RESTIC_CONFIG

if TYPE_CHECKING:
    from pathlib import Path

    from bongsu.recovery.ports import Commands


def open_repository(name: str, path: Path, key_file: Path, commands: Commands) -> Repository:
    """Return the repository at `path`; raise StateError when there is none, it is damaged, or the key is wrong."""
    return Repository(name, path, open_vault(path, read_key(key_file)), ResticSnapshots(commands, path, key_file))


async def ensure_repository(name: str, path: Path, key_file: Path, commands: Commands, at: float) -> Repository:
    """Return the repository at `path`, made when the folder is absent or empty; anything else there is refused.

    It is made beside its place and moved there: a half-made repository is never taken for one.
    """
    if not (path / ABOUT).exists():
        if path.exists() and any(path.iterdir()):
            raise StateError(
                f"is not empty and no repository (it holds {min(entry.name for entry in path.iterdir())})",
                where=str(path),
                next="choose another path for it in bongsu.yaml; nothing was touched",
            )
        unfinished = path.with_name(f".{path.name}.new")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700, parents=True)
        await ResticSnapshots(commands, unfinished, key_file).create()
        create_vault(unfinished, read_key(key_file), at)
        # restic's `config` is the one file of its own whose name is not its hash.
        config = hashlib.sha256((unfinished / FOLDER / "config").read_bytes()).hexdigest()
        open_vault(unfinished, read_key(key_file)).put(RESTIC_CONFIG, config.encode(), at)
        unfinished.replace(path)
        sync_folder(path.parent)
    return open_repository(name, path, key_file, commands)


def read_key(key_file: Path) -> str:
    """Return the password of a repository; raise StateError when its file cannot be read or is empty."""
    try:
        password = key_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StateError(
            f"the key cannot be read ({type(error).__name__})",
            where=str(key_file),
            next="name its file with --key-file",
        ) from error
    if not password:
        raise StateError("the key is empty", where=str(key_file), next="name the right file with --key-file")
    return password
