"""Measure what encryption costs a restore: fetch and decrypt 1 GB over `cp` of the same bytes, side by side.

    python -m bench.fetch_and_decrypt [--bytes 1000000000] [--rounds 5]

Half of the bytes are vectors (do not compress), half are rows of text (do). The two take turns in one run, both from a
cold page cache and both until the bytes are on disk (sync). Prints one JSON object: `ratio` is the figure (bar: 1.5).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.recovery.adapters.restic import ResticSnapshots
from bongsu.stack.commands import ChildCommands

if TYPE_CHECKING:
    from collections.abc import Callable

FILE_BYTES = 16_000_000
WORDS = [f"{word:08x}" for word in range(4096)]


def fill(folder: Path, size: int) -> None:
    """Write so many bytes in files of 16 MB: vectors and rows in turn."""
    chance = random.Random(7)  # noqa: S311 - no secret
    for number in range(max(2, size // FILE_BYTES)):
        if number % 2:
            content = " ".join(chance.choices(WORDS, k=FILE_BYTES // 9)).encode()
        else:
            content = chance.randbytes(FILE_BYTES)
        (folder / f"{number:04d}").write_bytes(content)


def forget(folder: Path) -> None:
    """Let the kernel drop what it holds of a folder in memory."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def timed(work: Callable[[Path], object], into: Path, source: Path) -> float:
    """Return the seconds of one copy out of a cold source, until it is on disk."""
    forget(source)
    began = time.perf_counter()
    work(into)
    os.sync()
    seconds = time.perf_counter() - began
    shutil.rmtree(into)
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bytes", type=int, default=10**9)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bongsu-fetch-") as place:
        folder = Path(place)
        plain, stored, key = folder / "plain", folder / "stored", folder / "key"
        plain.mkdir()
        stored.mkdir()
        key.write_text("a key for one measurement")
        fill(plain, args.bytes)
        snapshots = ResticSnapshots(ChildCommands(dict(os.environ), folder), stored, key)
        asyncio.run(snapshots.create())
        saved = asyncio.run(snapshots.save(plain, "bench", whole=True))

        def fetch(into: Path) -> object:
            return asyncio.run(snapshots.restore(saved.snapshot, into))

        def copy(into: Path) -> object:
            return subprocess.run(["cp", "-r", str(plain), str(into)], check=True)

        times: dict[str, list[float]] = {"fetch_seconds": [], "cp_seconds": []}
        for _ in range(args.rounds):
            times["fetch_seconds"].append(timed(fetch, folder / "fetched", stored))
            times["cp_seconds"].append(timed(copy, folder / "copied", plain))
        medians = {name: round(statistics.median(found), 3) for name, found in times.items()}
        ratio = round(medians["fetch_seconds"] / medians["cp_seconds"], 2)
        print(json.dumps({"ratio": ratio, **medians, "bytes": saved.bytes, "rounds": args.rounds}))


if __name__ == "__main__":
    main()
