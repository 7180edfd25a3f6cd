"""Start a stand-in or the fault proxy as a real process and learn its addresses from its ready line."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
START_SECONDS = 60.0
STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Running:
    """One running process; `ready` is its ready line."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.ready["url"])


@contextmanager
def running(module: str, *argv: str) -> Iterator[Running]:
    """Run `python -m module argv...` until the block ends; fail with its stderr when it does not get ready."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *argv], stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT
        )
        try:
            yield Running(process, _ready(process, errors))
        finally:
            stop(process)
            if process.stdout is not None:
                process.stdout.close()


def stop(process: subprocess.Popen[str]) -> int:
    """End a process by SIGTERM (by SIGKILL when that does not help) and return its exit code."""
    process.terminate()
    try:
        return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(STOP_SECONDS)


def run_to_end(module: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a process that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", module, *argv],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=START_SECONDS,
        check=False,
    )


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until a condition holds; fail when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)


def _ready(process: subprocess.Popen[str], errors: Any) -> dict[str, Any]:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline() if readable else ""
    if not line:
        errors.seek(0)
        raise AssertionError(f"the process did not get ready: {errors.read()}")
    answer: dict[str, Any] = json.loads(line)
    return answer
