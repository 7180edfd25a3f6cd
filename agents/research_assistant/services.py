"""What the nodes need to do their work, opened together and closed together."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from research_assistant.guard import GuardedTransport, guard_of
from research_assistant.llm import Llm, open_llm
from research_assistant.retrieval.bm25 import KeywordIndex
from research_assistant.retrieval.index import VectorIndex
from research_assistant.retrieval.retriever import Retriever
from research_assistant.search import TIMEOUT, WebSearch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from research_assistant import db
    from research_assistant.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one process; none of them connects before its first use."""

    settings: Settings
    pool: db.Pool
    llm: Llm
    documents: Retriever
    web: WebSearch


@asynccontextmanager
async def open_services(settings: Settings, pool: db.Pool) -> AsyncIterator[Services]:
    """Yield the services over an open pool; raise UsageError when the configured model has no price."""
    async with AsyncExitStack() as stack:
        llm = open_llm(settings, pool)
        for client in llm.clients.values():
            stack.push_async_callback(client.close)
        web = await stack.enter_async_context(
            httpx.AsyncClient(timeout=TIMEOUT, transport=GuardedTransport(guard_of(settings)))
        )
        documents = Retriever(pool, KeywordIndex(pool), VectorIndex(settings.chroma_url), settings.api_url)
        yield Services(settings, pool, llm, documents, WebSearch(web, settings.search_url))
