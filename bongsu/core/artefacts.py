"""Write compiled trees whole or not at all, and compare them with what is committed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.core.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping

UNFINISHED = "."
"""Names that begin like this are files being written; whoever was killed while writing leaves one behind."""
HEADER = "DO NOT EDIT: compiled by `bongsu compile` from {source}"


def header(source: str) -> str:
    """Return the one line that every generated file opens with."""
    return HEADER.format(source=source)


def write_file(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a text file atomically; see `write_bytes`."""
    write_bytes(path, text.encode(), mode)


def write_bytes(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file atomically (temporary file, fsync, rename): a reader sees the old content or the new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{UNFINISHED}{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: a rename survives a power cut only after this."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_tree(root: Path, files: Mapping[str, str]) -> list[str]:
    """Write every file that changed, delete generated files that are gone, return the changed relative paths.

    Nothing compiled is an error: an empty tree would silently disarm every alert.
    """
    if not files:
        raise StateError("nothing was compiled", where=str(root), next="keep the old output and check the catalogues")
    changed = diff_tree(root, files)
    for name in changed:
        if name in files:
            write_file(root / name, files[name])
        else:
            (root / name).unlink()
    return changed


def diff_tree(root: Path, files: Mapping[str, str]) -> list[str]:
    """Return the relative paths that differ from `files`: changed, missing or no longer generated."""
    present = {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()} if root.is_dir() else set()
    differing = [
        name for name, text in files.items() if name not in present or (root / name).read_text(encoding="utf-8") != text
    ]
    return sorted([*differing, *(present - set(files))])
