"""The vector index in Chroma: derived from PostgreSQL, never the truth; it ranks chunk ids and holds no text."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import chromadb
import httpx
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, NotFoundError

from bongsu.core.errors import UnreachableError
from research_assistant.retrieval import embed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from chromadb.api import AsyncClientAPI
    from chromadb.api.models.AsyncCollection import AsyncCollection

    from research_assistant.documents import Change, Placed

T = TypeVar("T")

COLLECTION = f"chunks-{embed.NAME}-of-tenants"
"""An index whose vectors do not say whose they are has another name: it is filled anew, and old workers keep theirs."""
TENANT = "tenant"
SHARED = "shared"
MARGIN = 3
POSITION = "position"
QUERY_SECONDS = 2.0
APPLY_SECONDS = 20.0
"""chromadb's own HTTP client has no timeout at all (chromadb 1.5.9, api/async_fastapi.py: timeout=None)."""
CONNECT_PAUSE_SECONDS = 1.0
"""While Chroma is away, questions fail over at once instead of each waiting for a connection of its own."""


class VectorIndex:
    """One collection of one Chroma server; connects at the first use and again after the collection was replaced.

    Every method raises UnreachableError when Chroma does not answer in time or answers nonsense.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._client: AsyncClientAPI | None = None
        self._collection: AsyncCollection | None = None
        self._connecting = asyncio.Lock()
        self._pause_until = 0.0

    async def query(self, vector: Sequence[float], count: int, tenant: str | None) -> list[UUID]:
        """Return the ids of the `count` nearest chunks that the tenant may read, nearest first."""
        return await self._call(lambda collection: nearest(collection, vector, count, tenant), QUERY_SECONDS)

    async def copy(self) -> tuple[str, int]:
        """Return which copy of the index answers (its id) and the position it carries itself, 0 for a new one."""

        async def read(_: AsyncCollection) -> tuple[str, int]:
            fresh = await self._open()
            metadata = dict(fresh.metadata or {})
            return str(fresh.id), int(str(metadata.get(POSITION, 0)))

        return await self._call(read, APPLY_SECONDS)

    async def apply(self, changes: Sequence[Change]) -> None:
        """Bring the index to the state after `changes` (oldest first); doing it again changes nothing."""

        async def write(collection: AsyncCollection) -> None:
            await _put(collection, {change.chunk_id: change.placed for change in changes})
            await collection.modify(metadata={POSITION: changes[-1].seq})

        await self._call(write, APPLY_SECONDS)

    async def put(self, chunks: Mapping[UUID, Placed | None]) -> None:
        """Give these chunks their vectors and tenants, let go of those that are None; the position stays."""
        await self._call(lambda collection: _put(collection, chunks), APPLY_SECONDS)

    async def _call(self, use: Callable[[AsyncCollection], Awaitable[T]], seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds):
                try:
                    return await use(self._collection or await self._open())
                except NotFoundError:  # the collection was dropped, or restored under another id
                    return await use(await self._open())
        except (TimeoutError, httpx.HTTPError, ChromaError, ValueError, KeyError, IndexError, TypeError) as error:
            raise unreachable(self.url, type(error).__name__) from error

    async def _open(self) -> AsyncCollection:
        async with self._connecting:
            client = self._client or await self._connect()
            self._collection = await client.get_or_create_collection(
                COLLECTION, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
            )
        return self._collection

    async def _connect(self) -> AsyncClientAPI:
        if time.monotonic() < self._pause_until:
            raise unreachable(self.url, "still away")
        parts = urlsplit(self.url)
        tls = parts.scheme == "https"
        try:
            self._client = await chromadb.AsyncHttpClient(
                host=parts.hostname or "",
                port=parts.port or (443 if tls else 80),
                ssl=tls,
                settings=ChromaSettings(anonymized_telemetry=False),
            )
        finally:
            if self._client is None:  # chromadb keeps every client that failed to connect: let them go
                SharedSystemClient.clear_system_cache()
                self._pause_until = time.monotonic() + CONNECT_PAUSE_SECONDS
        return self._client


async def nearest(collection: AsyncCollection, vector: Sequence[float], count: int, tenant: str | None) -> list[UUID]:
    """Return the ids of the `count` nearest chunks that are everybody's or the tenant's, nearest first.

    Chroma reads every id that a filter matches before it searches: 48 ms of 10,000 vectors instead of 4 (measured).
    So it is asked without one for MARGIN times as many; only where others' chunks crowd those, the filter decides.
    """
    vectors: Any = [list(vector)]
    marks = {mark(None), mark(tenant)}
    wanted = MARGIN * count
    found = await collection.query(query_embeddings=vectors, n_results=wanted, include=["metadatas"])
    ids, metadatas = found["ids"][0], (found["metadatas"] or [[]])[0]
    readable = [id_ for id_, metadata in zip(ids, metadatas, strict=True) if (metadata or {}).get(TENANT) in marks]
    if len(readable) < count and len(ids) == wanted:
        where: Any = {TENANT: {"$in": sorted(marks)}}
        found = await collection.query(query_embeddings=vectors, n_results=count, where=where, include=["distances"])
        readable = found["ids"][0]
    return [UUID(id_) for id_ in readable[:count]]


def mark(tenant: str | None) -> str:
    """Return how the index names whose a chunk is; no tenant's name can look like everybody's."""
    return SHARED if tenant is None else f"t:{tenant}"


async def _put(collection: AsyncCollection, chunks: Mapping[UUID, Placed | None]) -> None:
    written = {str(id_): placed for id_, placed in chunks.items() if placed is not None}
    deleted = [str(id_) for id_, placed in chunks.items() if placed is None]
    if written:
        embeddings: Any = [placed.embedding for placed in written.values()]
        metadatas: Any = [{TENANT: mark(placed.tenant)} for placed in written.values()]
        await collection.upsert(ids=list(written), embeddings=embeddings, metadatas=metadatas)
    if deleted:
        await collection.delete(ids=deleted)


def unreachable(url: str, why: str) -> UnreachableError:
    """Return the error that says that Chroma does not answer, or answers nonsense."""
    return UnreachableError(
        f"Chroma does not answer ({why})",
        where=url,
        next="check that it runs and that CHROMA_URL is right, then run `research-assistant index roll-forward`",
    )
