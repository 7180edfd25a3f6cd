"""The files the page needs beside its HTML, each under an address that holds the hash of its content.

The address changes with the content, so a browser may keep a file for ever.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("static")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HASH_CHARS = 16


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: `path` is its address on this server."""

    path: str
    content: bytes
    media_type: str


def load(folder: Path = FOLDER) -> dict[str, Asset]:
    """Return the files of the folder by name."""
    return {path.name: _load(path) for path in sorted(folder.iterdir()) if path.suffix in TYPES}


def _load(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:HASH_CHARS]
    return Asset(f"/static/{digest}/{path.name}", content, TYPES[path.suffix])


ASSETS = load()
