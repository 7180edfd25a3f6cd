"""The sealed files of a repository in a folder, and the folder itself: made once, never made over something else."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.core.artefacts import UNFINISHED, write_bytes, write_file
from bongsu.core.errors import StateError
from bongsu.recovery.sealed import SALT_BYTES, DamagedError, Opened, derive_key, seal, sealed_at, unseal

if TYPE_CHECKING:
    from pathlib import Path

ABOUT = "repository.json"
KEY_CHECK = "key-check"
SEALED = "sealed"
_FORMAT = 1
_HEADER_BYTES = 8192
_MODE = 0o600


@dataclass(frozen=True, slots=True)
class FolderVault:
    """Sealed files below `folder`; every error names the file it is about."""

    folder: Path
    key: bytes

    def put(self, name: str, content: bytes, at: float) -> None:
        """Write a file whole or not at all, replacing an earlier one of that name."""
        write_bytes(self.folder / name, seal(self.key, name, content, at), _MODE)

    def get(self, name: str) -> Opened:
        """Return a file's content; raise StateError naming the file when it is absent or damaged."""
        try:
            return unseal(self.key, name, self._read(name))
        except DamagedError as error:
            raise self._damaged(name, error) from None

    def sealed_at(self, name: str) -> float:
        """Return when a file was sealed, unverified; raise StateError when it is absent or no sealed file."""
        try:
            return sealed_at(self._read(name, _HEADER_BYTES))
        except DamagedError as error:
            raise self._damaged(name, error) from None

    def has(self, name: str) -> bool:
        """Tell whether there is a file of that name."""
        return (self.folder / name).is_file()

    def names(self, prefix: str) -> list[str]:
        """Return the names that begin with `prefix`, sorted; unfinished files are none."""
        top = self.folder / prefix.rpartition("/")[0]
        found = (path.relative_to(self.folder).as_posix() for path in top.rglob("*") if path.is_file())
        return sorted(n for n in found if n.startswith(prefix) and not n.rpartition("/")[2].startswith(UNFINISHED))

    def delete(self, name: str) -> None:
        """Remove a file; one that is gone already is no error."""
        (self.folder / name).unlink(missing_ok=True)

    def _read(self, name: str, limit: int = -1) -> bytes:
        try:
            with (self.folder / name).open("rb") as stream:
                return stream.read(limit)
        except FileNotFoundError:
            raise StateError("is missing", where=str(self.folder / name), next=_ELSEWHERE) from None
        except OSError as error:
            raise StateError(
                f"cannot be read: {error.strerror}", where=str(self.folder / name), next=_ELSEWHERE
            ) from error

    def _damaged(self, name: str, error: DamagedError) -> StateError:
        return StateError(f"is damaged: {error}", where=str(self.folder / name), next=_ELSEWHERE)


_ELSEWHERE = "`bongsu backup verify` names all that is wrong; restore from another repository"


def open_vault(path: Path, password: str) -> FolderVault:
    """Return the vault of the repository at `path`; raise StateError when there is none, or for a wrong key."""
    about = path / ABOUT
    try:
        content = json.loads(about.read_text(encoding="utf-8"))
        if content.pop("digest") != _digest(content):
            raise ValueError("its digest does not match")  # noqa: TRY301 - all that is wrong with it ends in one message
        if content["format"] != _FORMAT:
            raise StateError("was made by another version", where=str(about), next="restore with that version")
        salt = bytes.fromhex(content["salt"])
    except FileNotFoundError:
        raise StateError(
            "is no repository", where=str(path), next="`bongsu backup list` shows those there are"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError(f"is damaged: {error}", where=str(about), next=_ELSEWHERE) from error
    vault = FolderVault(path / SEALED, derive_key(password.encode(), salt))
    if not _fits(vault):
        raise StateError(
            "the key does not open this repository", where=str(path), next="give the key it was made with (--key-file)"
        )
    return vault


def _fits(vault: FolderVault) -> bool:
    """Tell whether the key opens anything: one damaged file must not look like a wrong key."""
    for name in (KEY_CHECK, *vault.names("")):
        try:
            vault.get(name)
        except StateError:
            continue
        return True
    return False


def create_vault(path: Path, password: str, at: float) -> None:
    """Make the files that turn an empty folder into a repository; `open_vault` opens it then."""
    salt = os.urandom(SALT_BYTES)
    FolderVault(path / SEALED, derive_key(password.encode(), salt)).put(KEY_CHECK, uuid.uuid4().bytes, at)
    content = {"format": _FORMAT, "id": str(uuid.uuid4()), "salt": salt.hex()}
    write_file(path / ABOUT, json.dumps({**content, "digest": _digest(content)}) + "\n", _MODE)


def _digest(content: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
