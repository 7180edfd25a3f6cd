"""Earlier versions of the workload, as they stood before a migration: to run beside today's on today's schema.

They come out of git: for each migration the parent of the commit that added it. A clone without that history (shallow,
or an unpacked archive) has the committed copy of the version before revision 0200, and
tests/real/test_previous_version.py holds the copy against git wherever git has it.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.real.support.stand_ins import ROOT

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS = "agents/research_assistant/migrations/versions"
PARTS = ("agents/research_assistant", "bongsu/__init__.py", "bongsu/core", "bongsu/telemetry", ":!*/corpus/*")
COPY = ROOT / "tests/real/data/before-0200.tar.xz"
FIRST = "m0200_tenants.py"
"""The first migration of a version that others ran: those before it made the schema that nobody had yet."""


@dataclass(frozen=True, slots=True)
class Previous:
    """A version: the revision it lacks, and its commit (empty: the committed copy)."""

    before: str
    commit: str

    def __str__(self) -> str:
        return f"before-{self.before}"

    def unpack(self, folder: Path) -> None:
        """Write its code into `folder`, laid out as in the repository."""
        with tarfile.open(fileobj=io.BytesIO(archive(self.commit) if self.commit else COPY.read_bytes())) as packed:
            for member in packed:  # not by `extractall(filter=...)`: Debian 12's Python 3.11.2 does not have it
                if (content := packed.extractfile(member)) is not None:
                    target = folder / member.name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content.read())


def archive(commit: str) -> bytes:
    """Return the code of a commit as a tar file."""
    return _git("archive", "--format=tar", commit, "--", *PARTS)


def previous_versions() -> list[Previous]:
    """Return the version before each migration, the oldest first; the committed copy where there is no history."""
    migrations = sorted(path.name for path in (ROOT / VERSIONS).glob("m*.py") if path.name >= FIRST)
    found = [Previous(name[1:5], commit) for name in migrations if (commit := parent_of(name))]
    return found or [Previous(FIRST[1:5], "")]


def parent_of(migration: str) -> str:
    """Return the commit before the one that added a migration; today's when none did yet, "" without its history."""
    try:
        added = _git("log", "--diff-filter=A", "--format=%H", "--", f"{VERSIONS}/{migration}").decode().split()
        if not added:
            return _git("rev-parse", "HEAD").decode().strip()
        parent = _git("rev-parse", "--verify", "--quiet", f"{added[-1]}^").decode().strip()
        _git("cat-file", "-e", f"{parent}:agents/research_assistant/worker.py")
    except (subprocess.CalledProcessError, FileNotFoundError):
        return ""
    return parent


def _git(*argv: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *argv], capture_output=True, check=True).stdout
