"""The configuration as files: what the manifest names below the repository, and the home's secrets."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

TREE, SECRETS = "tree", "secrets"
REPOSITORY_KEY = "repository-"
"""The keys of the repositories stay out of them: whoever has one of them must not thereby have all."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Where it lies: `paths` below `root`, and the folder of the 0600 files."""

    root: Path
    paths: tuple[str, ...]
    secrets: Path

    def files(self) -> dict[str, Path]:
        """Return every file by its name in the copy: `tree/...` and `secrets/...`."""
        found = {}
        for path in self.paths:
            for file in _below(self.root / path):
                found[f"{TREE}/{file.relative_to(self.root).as_posix()}"] = file
        for file in _below(self.secrets):
            if not file.name.startswith(REPOSITORY_KEY):
                found[f"{SECRETS}/{file.relative_to(self.secrets).as_posix()}"] = file
        return found

    def digest(self) -> str:
        """Return the digest of all paths and contents as they are now."""
        return digest(self.files())

    def copy(self, into: Path) -> None:
        """Copy all of it into an absent folder."""
        into.mkdir(mode=0o700)
        for name, file in self.files().items():
            (into / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copy2(file, into / name)


def digest_of_copy(folder: Path) -> str:
    """Return the digest of a copy, equal to that of its source when nothing of it changed."""
    return digest({file.relative_to(folder).as_posix(): file for file in _below(folder)})


def differing(ours: Mapping[str, Path], theirs: Mapping[str, Path]) -> list[str]:
    """Return the names that are absent on one side or differ in content."""
    names = sorted(set(ours) | set(theirs))
    return [n for n in names if n not in ours or n not in theirs or ours[n].read_bytes() != theirs[n].read_bytes()]


def digest(files: Mapping[str, Path]) -> str:
    """Return one SHA-256 over every name and content."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{hashlib.sha256(files[name].read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _below(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
