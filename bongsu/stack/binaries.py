"""Find the programs a stack runs; all that are missing are named at once."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.core.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Debian calls two of them by other names than everybody else.
NAMES: Mapping[str, tuple[str, ...]] = {
    "prometheus": ("prometheus",),
    "alertmanager": ("alertmanager", "prometheus-alertmanager"),
    "node-exporter": ("node_exporter", "prometheus-node-exporter"),
    "chroma": ("chroma",),
    "restic": ("restic",),
}


def search_path(environment: Mapping[str, str], own: Path | None = None) -> str:
    """Return where programs are looked for: the folder of this Python (chroma and the system's own), then PATH."""
    folder = str(own or Path(sys.executable).parent)
    return os.pathsep.join(part for part in (folder, environment.get("PATH", "")) if part)


def find_programs(programs: Iterable[str], path: str) -> dict[str, str]:
    """Return program to file; raise UnreachableError naming every one that is missing and what to do."""
    found = {
        program: next(filter(None, (shutil.which(name, path=path) for name in NAMES[program])), "")
        for program in programs
    }
    missing = [" or ".join(NAMES[program]) for program, file in found.items() if not file]
    if missing:
        raise UnreachableError(
            f"not found on PATH: {', '.join(missing)}", next="scripts/bootstrap.sh brings them; --check says how"
        )
    return found
