"""Judge a copy of a Chroma folder from outside: `python -m tests.real.support.judge_index FOLDER ACKNOWLEDGED`.

Every row's vector must be the one that its id and version make, every row acknowledged before the copy must be there in
that version or a later one, and rows must find themselves. A process of its own: a torn copy may take its reader down.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import chromadb
import numpy as np

DIMENSIONS = 384
COLLECTION = "rows"
SAMPLE = 100
PAGE = 2000
NEAR = 1e-6


def vector(row: int, version: int) -> list[float]:
    """Return the unit vector that belongs to a row's version."""
    made = np.random.default_rng(row * 1000 + version).standard_normal(DIMENSIONS).astype(np.float32)
    return [float(value) for value in made / np.linalg.norm(made)]


def torn(folder: Path) -> str:
    """Return what SQLite itself says is wrong with a copy, empty for nothing."""
    try:
        with closing(sqlite3.connect(f"file:{folder / 'chroma.sqlite3'}?mode=ro", uri=True)) as database:
            said = str(database.execute("PRAGMA integrity_check").fetchone()[0])
    except sqlite3.Error as error:
        return str(error)
    return "" if said == "ok" else " ".join(said.split())[:200]


def judge(folder: Path, acknowledged: dict[int, int]) -> str:
    """Return what is wrong with a copy, empty for nothing."""
    if said := torn(folder):
        return f"torn SQLite: {said}"
    settings = chromadb.Settings(anonymized_telemetry=False)
    collection = chromadb.PersistentClient(str(folder), settings=settings).get_collection(COLLECTION)
    found: dict[int, int] = {}
    total = collection.count()
    for offset in range(0, total + PAGE, PAGE):
        page = collection.get(limit=PAGE, offset=offset, include=["embeddings", "metadatas"])
        for name, embedding, metadata in zip(page["ids"], page["embeddings"], page["metadatas"], strict=True):
            row, version = int(name), int(metadata["version"])
            if np.abs(np.array(embedding) - np.array(vector(row, version))).max() > NEAR:
                return f"row {row} has another vector"
            found[row] = version
    if len(found) != total:
        return f"{total} rows are counted and {len(found)} come back"
    lost = [row for row, version in acknowledged.items() if found.get(row, -1) < version]
    if lost:
        return f"{len(lost)} acknowledged rows are missing or older, such as {lost[0]}"
    chosen = random.Random(7).sample(sorted(found), min(SAMPLE, len(found)))  # noqa: S311 - no secret
    asked = [vector(row, found[row]) for row in chosen]
    hits = collection.query(query_embeddings=asked, n_results=1)["ids"]
    missed = [row for row, ids in zip(chosen, hits, strict=True) if ids != [str(row)]]
    return f"{len(missed)} of {len(chosen)} rows do not find themselves" if len(missed) > len(chosen) // 20 else ""


if __name__ == "__main__":
    known = {int(row): version for row, version in json.loads(Path(sys.argv[2]).read_text()).items()}
    wrong = judge(Path(sys.argv[1]), known)
    print(wrong or "good")
    sys.exit(1 if wrong else 0)
