"""Write compiled trees whole or not at all, and compare them with what is committed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.core.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping

UNFINISHED = "."
"""Names that begin like this are files being written; whoever was killed while writing leaves one behind."""
MIXED = f"{UNFINISHED}mixed"
"""Stands in the root of a tree while its files take their places one after another."""
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
    written = _written_beside(path, content, mode)
    try:
        written.replace(path)
    except BaseException:  # Ctrl-C too must leave nothing unfinished behind; it goes on from here
        written.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _written_beside(path: Path, content: bytes, mode: int) -> Path:
    """Return an unfinished file beside `path` that holds the content for good; nothing is left when that fails."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{UNFINISHED}{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(mode)
    except BaseException:  # Ctrl-C too must leave nothing unfinished behind; it goes on from here
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: a rename survives a power cut only after this."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_tree(root: Path, files: Mapping[str, str]) -> list[str]:
    """Write every file that changed, delete generated files that are gone, return the changed relative paths.

    All new files are written beside the old ones before the first of them takes its place, so that what can fail (a
    full disk, a folder of another's) fails while the old tree is whole. While files take their places a mark stands in
    the root: a tree that has it is a mix, and the next call repairs it. Nothing compiled is an error: an empty tree
    would silently disarm every alert.
    """
    if not files:
        raise StateError("nothing was compiled", where=str(root), next="keep the old output and check the catalogues")
    contents = {name: text.encode() for name, text in files.items()}
    changed = diff_tree(root, files)
    litter = _unfinished(root)
    if not (changed or litter):
        return []
    root.mkdir(parents=True, exist_ok=True)
    written = _all_beside({root / name: contents[name] for name in changed if name in files})
    write_bytes(root / MIXED, b"")
    for path, beside in written.items():
        beside.replace(path)
    for path in (*(root / name for name in set(changed) - set(files)), *litter):
        path.unlink(missing_ok=True)
    for folder in {path.parent for path in written} - {root}:
        sync_folder(folder)
    (root / MIXED).unlink(missing_ok=True)
    sync_folder(root)
    return changed


def _all_beside(contents: Mapping[Path, bytes]) -> dict[Path, Path]:
    """Return an unfinished file for each path, all of them written; nothing is left when one fails."""
    written: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            written[path] = _written_beside(path, content, 0o644)
    except BaseException:  # Ctrl-C too must leave nothing unfinished behind; it goes on from here
        for beside in written.values():
            beside.unlink(missing_ok=True)
        raise
    return written


def is_mixed(root: Path) -> bool:
    """Tell whether somebody was stopped while the files of a tree took their places."""
    return (root / MIXED).exists()


def diff_tree(root: Path, files: Mapping[str, str]) -> list[str]:
    """Return the relative paths that differ from `files`: changed, missing or no longer generated.

    Files that were being written are none of them; `write_tree` removes those that were left behind.
    """
    present = {str(path.relative_to(root)) for path in _files(root)} - {
        str(path.relative_to(root)) for path in _unfinished(root)
    }
    differing = [
        name for name, text in files.items() if name not in present or (root / name).read_bytes() != text.encode()
    ]
    return sorted([*differing, *(present - set(files))])


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()] if root.is_dir() else []


def _unfinished(root: Path) -> list[Path]:
    """Return what is only being written, the mark of a mix included."""
    return [path for path in _files(root) if path.name.startswith(UNFINISHED)]
