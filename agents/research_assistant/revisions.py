"""Which revisions of the schema this code knows, read from the names written in migrations/versions.

Alembic knows them too, but importing it costs every API process a second of CPU at its start; a test holds both equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "migrations" / "versions"
_REVISION = re.compile(r'^revision = "([^"]+)"$', re.MULTILINE)
_BEFORE = re.compile(r'^down_revision = "([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Revisions:
    """All revisions, and those that no other one follows."""

    known: frozenset[str]
    heads: frozenset[str]


def read(folder: Path = FOLDER) -> Revisions:
    """Return the revisions of a folder."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("m*.py"))]
    known = frozenset(found[1] for text in texts if (found := _REVISION.search(text)))
    before = frozenset(found[1] for text in texts if (found := _BEFORE.search(text)))
    return Revisions(known, known - before)
