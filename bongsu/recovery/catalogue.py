"""What a repository says it holds: manifests and the head of the log, read from its sealed files."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from bongsu.core.errors import StateError
from bongsu.recovery import wal
from bongsu.recovery.model import Backup, ConfigurationPart, DatabasePart, Timeline, VectorsPart, WalHead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bongsu.recovery.ports import Vault

T = TypeVar("T")

MANIFESTS = "manifests/"
WAL = "wal/"
HEAD = f"{WAL}head"
INVENTORY = "inventory"
VERIFIED = "verified"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The backups of one repository, oldest first, and how far its log reaches (None before the first WAL)."""

    backups: tuple[Backup, ...]
    head: WalHead | None


def manifest_name(backup: str) -> str:
    """Return the sealed file of a backup's manifest."""
    return f"{MANIFESTS}{backup}"


def segment_file(system_id: str, segment: str) -> str:
    """Return the sealed file of a whole segment, or of a timeline's history."""
    return f"{WAL}{system_id}/{segment}"


def part_file(system_id: str, segment: str, number: int) -> str:
    """Return the sealed file of one part of the segment that is still being written; parts count from 1."""
    return f"{WAL}{system_id}/{segment}.{number:06d}"


def read_catalogue(vault: Vault) -> Catalogue:
    """Return all of it; raise StateError naming the first file that cannot be read."""
    backups = [read_backup(vault, name) for name in vault.names(MANIFESTS)]
    return Catalogue(tuple(sorted(backups, key=lambda backup: (backup.started_at, backup.id))), read_head(vault))


def read_backup(vault: Vault, name: str) -> Backup:
    """Return one backup from its manifest's file."""
    content = _decoded(vault, name)
    parts = {"database": DatabasePart, "vectors": VectorsPart, "configuration": ConfigurationPart}
    try:
        made = {key: _build(kind, content[key]) if content[key] else None for key, kind in parts.items()}
        return _build(Backup, {**content, **made})
    except (KeyError, TypeError) as error:
        raise _unknown(name, error) from error


def write_backup(vault: Vault, backup: Backup) -> None:
    """Write a backup's manifest: from here on it is listed as restorable."""
    vault.put(manifest_name(backup.id), _encoded(asdict(backup)), backup.finished_at)


def read_head(vault: Vault) -> WalHead | None:
    """Return the head of the log, None when no WAL was ever shipped here (a history may come before the first)."""
    if not vault.has(HEAD) and all(wal.is_history(name.rpartition("/")[2]) for name in vault.names(WAL)):
        return None
    content = _decoded(vault, HEAD)
    try:
        timelines = tuple(
            _build(Timeline, {**one, "ancestors": tuple(map(tuple, one["ancestors"]))}) for one in content["timelines"]
        )
        return _build(WalHead, {**content, "timelines": timelines})
    except (KeyError, TypeError) as error:
        raise _unknown(HEAD, error) from error


def write_head(vault: Vault, head: WalHead) -> None:
    """Replace the head of the log."""
    vault.put(HEAD, _encoded(asdict(head)), head.shipped_at)


def read_names(vault: Vault) -> list[str]:
    """Return the inventory: the path of every file that must be there, below the repository's folder."""
    return list(_decoded(vault, INVENTORY)["files"]) if vault.has(INVENTORY) else []


def write_names(vault: Vault, names: Sequence[str], at: float) -> None:
    """Replace the inventory."""
    vault.put(INVENTORY, _encoded({"files": sorted(names)}), at)


def _encoded(content: dict[str, Any]) -> bytes:
    return json.dumps({"format": _FORMAT, **content}).encode()


def _decoded(vault: Vault, name: str) -> dict[str, Any]:
    content = json.loads(vault.get(name).content)
    if content.pop("format", None) != _FORMAT:
        raise _unknown(name, "another format")
    return dict(content)


def _build(kind: type[T], content: dict[str, Any]) -> T:
    known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]  # all of them are dataclasses
    return kind(**{name: value for name, value in content.items() if name in known})


def _unknown(name: str, error: object) -> StateError:
    return StateError(f"was written by another version ({error})", where=name, next="restore with that version")
