"""Know that nothing changed since the last `bongsu compile`: what goes in, what came out, our own code, and the day.

A stamp in the project holds two digests: of every file of the catalogues with all that compiles them, and of every file
of the output. While both are true, compiling again would write the same bytes and say the same words, so it says them
from the stamp (docs/adr/0019-compile-speed.md). A stamp that is missing or damaged is no stamp.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import bongsu
from bongsu.core.artefacts import write_file
from bongsu.core.manifest import FILE, parse_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable

STAMP = ".bongsu.stamp"
_READERS = ("PyYAML", "promql-parser")
"""Libraries whose other version may see other problems."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What was compiled (digests), how many files that made, and the warnings that were printed."""

    inputs: str
    outputs: str
    files: int
    said: str


def inputs_digest(root: Path, folder: Path) -> str:
    """Return the digest of all that decides what `compile` writes into a folder and says; nothing without a manifest.

    The day counts too: what is put off until a date comes back on it.
    """
    if not (root / FILE).is_file():
        return ""
    text = (root / FILE).read_text(encoding="utf-8", errors="replace")
    found, _ = parse_manifest(text, FILE)
    if found is None:
        return ""
    named = found.catalogues
    folders = (named.slo, named.alerts, named.dashboards, named.runbooks, named.experiments, named.drills)
    code = Path(bongsu.__file__).parent
    about = [
        str(folder),
        sys.version,
        datetime.now().astimezone().date().isoformat(),
        *(version(name) for name in _READERS),
    ]
    parts = [("about", "\n".join(about).encode()), (FILE, text.encode())]
    for where, inside in [(code, code), *((root, root / one) for one in folders)]:
        paths = sorted(path for path in inside.rglob("*") if path.is_file() and path.suffix != ".pyc")
        parts += [(path.relative_to(where).as_posix(), path.read_bytes()) for path in paths]
    return _digest(parts)


def outputs_digest(folder: Path) -> str:
    """Return the digest of an output folder: names and bytes."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return _digest((path.relative_to(folder).as_posix(), path.read_bytes()) for path in paths)


def read_stamp(root: Path) -> Stamp | None:
    """Return the stamp of a project, if there is one that can be read."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Stamp(**json.loads((root / STAMP).read_text(encoding="utf-8")))
    return None


def write_stamp(root: Path, stamp: Stamp) -> None:
    """Keep a stamp; where that is not possible the next compilation only takes longer."""
    with contextlib.suppress(OSError):
        write_file(root / STAMP, json.dumps(asdict(stamp), ensure_ascii=False) + "\n")


def _digest(parts: Iterable[tuple[str, bytes]]) -> str:
    whole = hashlib.sha256()
    for name, content in parts:
        whole.update(f"{len(name)} {name} {len(content)} ".encode())
        whole.update(content)
    return whole.hexdigest()
