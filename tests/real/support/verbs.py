"""Run a verb that leaves evidence, and read what it left by code that imports nothing of the runner."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
BONGSU = ROOT / ".venv/bin/bongsu"
MINUTES = 60


@dataclass
class Ran:
    """How a verb ended, what it printed, the newest record of its subject and the file that holds it."""

    exit_code: int
    said: str
    record: dict[str, Any]
    file: Path


def with_evidence(
    verb: str, subject: str, folder: Path, *options: str, environment: dict[str, str] | None = None
) -> Ran:
    done = subprocess.run(
        [str(BONGSU), verb, subject, "--evidence", str(folder), *options],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=6 * MINUTES,
        check=False,
    )
    said = done.stdout + done.stderr
    stored = sorted((folder / subject).glob("*.json"))
    assert stored, said
    return Ran(done.returncode, said, json.loads(stored[-1].read_text(encoding="utf-8")), stored[-1])
