"""Delete one marker from the store and the index, as if it had been lost: a defect that a drill must find."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bongsu.core.errors import UsageError
from research_assistant import documents
from research_assistant.markers import marker
from research_assistant.retrieval import rollforward
from research_assistant.retrieval.index import VectorIndex
from research_assistant.settings import Settings
from research_assistant.verbs.store import open_store

if TYPE_CHECKING:
    from argparse import Namespace


async def run(args: Namespace) -> int:
    """Delete the marker and print one JSON line {forgotten}; raise UsageError when there is none of that number."""
    source = marker.source(marker.checked(args.series), marker.checked_number(args.number, "--number"))
    settings = Settings.from_env(needs=("DATABASE_URL", "CHROMA_URL"))
    async with open_store(settings) as pool:
        document_id = await documents.id_of(pool, source)
        if document_id is None or not await documents.delete(pool, document_id):
            next_ = f"`research-assistant markers read --series {args.series}` shows those there are"
            raise UsageError("there is no such marker", where=source, next=next_)
        await rollforward.roll_forward(pool, VectorIndex(settings.chroma_url))
    print(json.dumps({"forgotten": args.number}))
    return 0
