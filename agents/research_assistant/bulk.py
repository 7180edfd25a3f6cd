"""Fill the stores, the same way for the same seed: what a drill of some size restores.

A sixth of the size is documents with their embeddings, in PostgreSQL and in the index; the rest is finished runs
(history.py), which a system in use collects faster than documents.

Each document comes from a generator of its own, so a second run finds what an earlier one stored and goes on from
there. The words are invented; the embeddings are random directions, which no backup compresses.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bongsu.core.errors import UsageError
from research_assistant import documents, history
from research_assistant.documents import Version
from research_assistant.retrieval import embed, rollforward
from research_assistant.retrieval.chunking import article
from research_assistant.retrieval.index import VectorIndex
from research_assistant.settings import Settings
from research_assistant.verbs.store import open_store

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from numpy.random import Generator

    from research_assistant import db
    from research_assistant.vectors import Vector

SECTIONS, SENTENCES, WORDS = 8, 5, 12
"""A document has so many sections of one chunk, each of so many sentences of so many words: 4 kB of text."""
VOCABULARY = 20_000
SHORTEST_WORD, LONGEST_WORD = 5, 9
DOCUMENT_SHARE = 1 / 6
STORED = 2.7
"""Bytes on disk, in both stores, of a byte of text and embedding (measured on 22,000 chunks)."""
TRANSACTION = 50
"""Documents of one transaction: 2 MB."""
PROGRESS_SECONDS = 5.0
LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz", np.uint8)


@dataclass(slots=True)
class Filled:
    """What belongs to a seed so far: bytes of text and embeddings; `written` documents were not there before."""

    documents: int = 0
    chunks: int = 0
    bytes: int = 0
    written: int = 0
    runs: int = 0


async def run(args: Namespace) -> int:
    """Store until both stores take about `--bytes` on disk, and roll the index forward.

    Prints one JSON line {documents, chunks, bytes, written, runs, seconds}; progress goes to standard error.
    """
    if args.bytes < 1 or args.seed < 0:
        raise UsageError("the size must be above 0, the seed not below it", where="--bytes, --seed")
    settings = Settings.from_env(needs=("DATABASE_URL", "CHROMA_URL"))
    started = time.perf_counter()
    async with open_store(settings) as pool:
        filled = await fill(pool, int(args.bytes * DOCUMENT_SHARE / STORED), args.seed)
        words = vocabulary(np.random.default_rng(args.seed))
        filled.runs = await history.fill(pool, int(args.bytes * (1 - DOCUMENT_SHARE)), args.seed, words)
        print(f"{filled.documents} documents are stored; the index follows", file=sys.stderr, flush=True)
        await rollforward.roll_forward(pool, VectorIndex(settings.chroma_url))
    seconds = round(time.perf_counter() - started, 3)
    counts = {name: getattr(filled, name) for name in Filled.__slots__}
    print(json.dumps({**counts, "seconds": seconds}))
    return 0


async def fill(pool: db.Pool, size: int, seed: int) -> Filled:
    """Store the documents of a seed until they have `size` bytes; those already there stay as they are."""
    known = await documents.digests(pool)
    filled = Filled()
    waiting: list[Version] = []
    said = time.monotonic()
    for version in versions(seed):
        if filled.bytes >= size:
            break
        filled.documents += 1
        filled.chunks += len(version.embeddings)
        filled.bytes += len(version.body) + sum(vector.nbytes for vector in version.embeddings)
        if known.get(version.source) != documents.digest(version.body):
            filled.written += 1
            waiting.append(version)
        if len(waiting) == TRANSACTION:
            await documents.replace_all(pool, waiting)
            waiting = []
        if time.monotonic() - said > PROGRESS_SECONDS:
            said = time.monotonic()
            print(f"{filled.bytes / 1e6:.0f} of {size / 1e6:.0f} MB", file=sys.stderr, flush=True)
    if waiting:
        await documents.replace_all(pool, waiting)
    return filled


def versions(seed: int) -> Iterator[Version]:
    """Yield the documents of a seed, without end."""
    words = vocabulary(np.random.default_rng(seed))
    number = 0
    while True:
        number += 1
        source = f"bulk/{seed}/{number:06d}"
        random = np.random.default_rng([seed, number])
        body = text(random, words)
        made = article(body, default_title=source)
        yield Version(source, body, made, directions(random, len(made.chunks)))


def vocabulary(random: Generator) -> list[str]:
    """Return VOCABULARY invented words; a few may be equal."""
    lengths = random.integers(SHORTEST_WORD, LONGEST_WORD + 1, VOCABULARY)
    letters = random.choice(LETTERS, int(lengths.sum())).tobytes().decode("ascii")
    ends = np.cumsum(lengths)
    return [letters[end - length : end] for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)]


def text(random: Generator, words: list[str]) -> str:
    """Return the Markdown of one document."""
    chosen = random.integers(0, len(words), (SECTIONS, SENTENCES, WORDS)).tolist()
    sections = [
        f"## {words[sentences[0][0]]}\n\n"
        + " ".join(" ".join(words[place] for place in sentence).capitalize() + "." for sentence in sentences)
        for sentences in chosen
    ]
    return "\n\n".join([f"# {words[chosen[0][1][0]]}", *sections]) + "\n"


def directions(random: Generator, count: int) -> list[Vector]:
    """Return `count` vectors of length 1 in random directions."""
    vectors = random.standard_normal((count, embed.DIMENSIONS), np.float32)
    return list(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
