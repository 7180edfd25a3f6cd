"""Ask the real promtool about rule tests; one that is missing fails the test, because a skipped proof is no proof."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bongsu.core.replay import Replay


def played(folder: Path, *names: str) -> str:
    """Return what promtool has to say of tests in a folder; nothing when all of them pass."""
    tool = shutil.which("promtool")
    if tool is None:
        pytest.fail("promtool is not on PATH: run `make setup`")
    done = subprocess.run([tool, "test", "rules", *names], cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def replayed(made: Iterable[Replay], folder: Path) -> str:
    """Write replays into a folder; return what promtool has to say of them."""
    names = []
    for one in made:
        names.append(f"{one.name}.test.yml")
        for name, text in one.files().items():
            (folder / name).write_text(text, encoding="utf-8")
    return played(folder, *names)
