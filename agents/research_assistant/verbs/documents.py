"""ingest and documents: what the assistant may answer from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from uuid import UUID

from bongsu.core.errors import UsageError
from research_assistant import documents, ingest
from research_assistant.settings import Settings
from research_assistant.verbs.index import NEEDS, roll
from research_assistant.verbs.store import open_store

if TYPE_CHECKING:
    from argparse import Namespace


async def take_in(args: Namespace) -> int:
    """Store documents and roll the index forward; 1 when a file could not be read."""
    settings = Settings.from_env(needs=NEEDS)
    async with open_store(settings) as pool:
        summary = await ingest.ingest(pool, args.paths)
        print(summary)
        for problem in summary.wrong:
            print(problem, file=sys.stderr)
        await roll(settings, pool)
    return 1 if summary.wrong else 0


async def show_all(_args: Namespace) -> int:
    """Print one line for each document: id, chunks, source, title."""
    async with open_store(Settings.from_env(needs=("DATABASE_URL",))) as pool:
        for document in await documents.listing(pool):
            print(document.id, document.chunks, document.source, document.title, sep="\t")
    return 0


async def delete(args: Namespace) -> int:
    """Delete a document and roll the index forward; from its commit on no answer uses it."""
    settings = Settings.from_env(needs=NEEDS)
    async with open_store(settings) as pool:
        if not await documents.delete(pool, _uuid(args.id)):
            raise UsageError(
                "there is no such document", where=args.id, next="`research-assistant documents list` shows them"
            )
        print(f"deleted {args.id}")
        await roll(settings, pool)
    return 0


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise UsageError(
            "not a document id", where=text, next="`research-assistant documents list` shows them"
        ) from None
