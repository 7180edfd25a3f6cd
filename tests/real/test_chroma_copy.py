"""Copies of a Chroma folder that is being written: `cp -r` tears them, a copy under SQLite's write lock does not.

`COPIES=10` (scripts/proof.sh) makes as many under the lock, `make test` a few. `cp -r` fails when it is unlucky, so
it is tried until it was.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import chromadb
import pytest

from bongsu.recovery.adapters.chroma import copy_locked
from tests.real.support.assistant import Chroma
from tests.real.support.judge_index import COLLECTION, torn, vector
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(1800)
COPIES = int(os.environ.get("COPIES", "3"))
MOST_TRIES = 60
"""One `cp -r` of five is torn in its SQLite file alone: so many good ones in a row would be no accident."""
FIRST_ROWS, BATCH = 2000, 50


class Writer(threading.Thread):
    """Adds rows and gives old ones new versions; `acknowledged` holds what Chroma has answered for."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        host, _, port = url.removeprefix("http://").partition(":")
        settings = chromadb.Settings(anonymized_telemetry=False)
        client = chromadb.HttpClient(host, int(port), settings=settings)
        self.collection = client.get_or_create_collection(COLLECTION, configuration={"hnsw": {"sync_threshold": 200}})
        self.acknowledged: dict[int, int] = {}
        self.rows = 0
        self.enough = threading.Event()

    def add(self) -> None:
        fresh = list(range(self.rows, self.rows + BATCH))
        again = fresh if not self.rows else list(range(self.rows % 997, self.rows % 997 + BATCH // 5))
        rows = list(dict.fromkeys([*fresh, *(row for row in again if row < self.rows)]))
        versions = {row: self.acknowledged.get(row, -1) + 1 for row in rows}
        self.collection.upsert(
            ids=[str(row) for row in rows],
            embeddings=[vector(row, versions[row]) for row in rows],  # type: ignore[arg-type]  # lists of floats are what it takes
            metadatas=[{"version": versions[row]} for row in rows],
            documents=["x" * 400 for _ in rows],
        )
        self.acknowledged.update(versions)
        self.rows += BATCH

    def run(self) -> None:
        while not self.enough.is_set():
            self.add()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Chroma, Writer]]:
    chroma = Chroma(tmp_path_factory.mktemp("index"))
    chroma.start()
    writer = Writer(chroma.url)
    try:
        while writer.rows < FIRST_ROWS:
            writer.add()
        writer.start()
        yield chroma, writer
    finally:
        writer.enough.set()
        if writer.ident:
            writer.join(60)
        chroma.stop()


def test_a_copy_under_the_write_lock_is_whole_and_has_every_acknowledged_row(
    live: tuple[Chroma, Writer], tmp_path: Path
) -> None:
    verdicts = [_copy(live, tmp_path / str(number)) for number in range(COPIES)]
    print(f"under the write lock: {verdicts.count('good')} of {COPIES} good")
    assert verdicts == ["good"] * COPIES


def test_cp_of_a_live_folder_is_shown_failing(live: tuple[Chroma, Writer], tmp_path: Path) -> None:
    chroma, writer = live
    for number in range(1, MOST_TRIES + 1):
        rows, into = writer.rows, tmp_path / str(number)
        until(lambda rows=rows: writer.rows > rows, "the writer goes on")
        _cp(chroma.data, into)
        said = torn(into)
        shutil.rmtree(into)
        if said:
            print(f"cp -r: copy {number} is torn: {said}")
            return
    pytest.fail(f"{MOST_TRIES} copies by `cp -r` were whole")


def _cp(folder: Path, into: Path) -> None:
    """Copy as a person would; a file that vanishes meanwhile is one more way to fail."""
    subprocess.run(["cp", "-r", str(folder), str(into)], check=False, stderr=subprocess.DEVNULL)


def _copy(live: tuple[Chroma, Writer], into: Path) -> str:
    """Copy under the lock while the writer goes on and return the judge's verdict."""
    chroma, writer = live
    rows = writer.rows
    until(lambda: writer.rows > rows, "the writer goes on")
    acknowledged = into.with_suffix(".json")
    acknowledged.write_text(json.dumps(dict(writer.acknowledged)), encoding="utf-8")
    copy_locked(chroma.data, into)
    argv = [sys.executable, "-m", "tests.real.support.judge_index", str(into), str(acknowledged)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    return (done.stdout.strip() or done.stderr.strip() or f"the reader died ({done.returncode})").splitlines()[-1]
