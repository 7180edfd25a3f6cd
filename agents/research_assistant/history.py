"""Finished runs that nobody asked: what a store that has been in use for weeks is mostly made of.

Measured on 160 runs of the local traffic: 36 kB of PostgreSQL a run, 30 kB of it in 6 checkpoints, their blobs and 12
writes. The rows have the shape of real ones; their text is invented words.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from research_assistant import db

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RUN_BYTES = 36_000
CHECKPOINTS, WRITES = 6, 12
QUESTION_CHARS, ANSWER_CHARS, CHECKPOINT_CHARS, BLOB_CHARS, WRITE_CHARS = 80, 800, 1_100, 1_100, 1_250
TRANSACTION = 200
PROGRESS_SECONDS = 5.0

RUNS = "COPY runs (id, owner, question, state, fence, worker, answer, run_class, started_at, finished_at) FROM STDIN"
CHECKPOINT_ROWS = "COPY checkpoints (thread_id, checkpoint_ns, checkpoint_id, type, checkpoint, metadata) FROM STDIN"
BLOBS = "COPY checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob) FROM STDIN"
WRITE_ROWS = (
    "COPY checkpoint_writes (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, blob) FROM STDIN"
)


async def fill(pool: db.Pool, size: int, seed: int, words: Sequence[str]) -> int:
    """Store finished runs of a seed until they take about `size` bytes; those already there stay. Return how many."""
    owner, wanted = f"bulk-{seed}", size // RUN_BYTES
    said = time.monotonic()
    async with pool.connection() as conn:
        row = await (await conn.execute("SELECT count(*) FROM runs WHERE owner = %s", (owner,))).fetchone()
    there = int(row["count"]) if row else 0
    for first in range(there, wanted, TRANSACTION):
        numbers = range(first, min(first + TRANSACTION, wanted))
        async with db.transaction(pool) as conn:
            await _store(conn, owner, seed, numbers, words)
        if time.monotonic() - said > PROGRESS_SECONDS:
            said = time.monotonic()
            print(f"{numbers[-1] + 1} of {wanted} runs", file=sys.stderr, flush=True)
    return wanted


async def _store(conn: db.Connection, owner: str, seed: int, numbers: range, words: Sequence[str]) -> None:
    """Copy a batch of runs in; the order of the tables is that of their references."""
    random = np.random.default_rng([seed, numbers[0], 1])
    text = _texts(random.integers(0, len(words), 1 << 16).tolist(), words)
    ids = [str(UUID(bytes=random.bytes(16), version=4)) for _ in numbers]
    async with conn.cursor() as cursor:
        async with cursor.copy(RUNS) as copy:
            for id_ in ids:
                asked, answer = next(text)[:QUESTION_CHARS], next(text)[:ANSWER_CHARS]
                await copy.write_row((id_, owner, asked, "done", 1, "bulk", answer, "simple", "now", "now"))
        points = [(id_, "", str(UUID(bytes=random.bytes(16), version=4))) for id_ in ids for _ in range(CHECKPOINTS)]
        async with cursor.copy(CHECKPOINT_ROWS) as copy:
            for point in points:
                content = json.dumps({"v": 4, "channel_values": {"notes": next(text)[:CHECKPOINT_CHARS]}})
                await copy.write_row((*point, "msgpack", content, "{}"))
        async with cursor.copy(BLOBS) as copy:
            for number, (id_, space, _) in enumerate(points):
                blob = next(text)[:BLOB_CHARS].encode()
                await copy.write_row((id_, space, "sources", f"{number:08d}", "msgpack", blob))
        async with cursor.copy(WRITE_ROWS) as copy:
            for number, point in enumerate(points):
                for index in range(WRITES // CHECKPOINTS):
                    blob = next(text)[:WRITE_CHARS].encode()
                    await copy.write_row((*point, f"{number}", index, "sources", "msgpack", blob))


def _texts(numbers: Sequence[int], words: Sequence[str]) -> Iterator[str]:
    """Yield different texts of about 1,400 characters, without end."""
    start, step = 0, 197
    while True:
        chosen = numbers[start : start + step] or numbers[:step]
        yield " ".join(words[number] for number in chosen)
        start = (start + step) % (len(numbers) - step)
