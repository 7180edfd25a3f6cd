"""The API in this process over a real database: two tenants with a key each, and what a test asks of it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
from research_assistant import db, keys, migrate, runs
from research_assistant.admission import Admission, Limit
from research_assistant.api.app import build_app
from research_assistant.api.service import Service, open_service
from research_assistant.settings import Settings

from bongsu.core.conventions import PRIORITIES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from tests.real.support.pg import Postgres


SECRET = "a-secret-of-sufficient-length-for-"
URL = "http://api.test"
WIDE = dict.fromkeys(PRIORITIES, Limit(1e6, 10**6))


@dataclass(slots=True)
class ApiWorld:
    """An application over an open pool; `http` sends requests to it without a network."""

    service: Service
    http: httpx.AsyncClient

    @property
    def pool(self) -> db.Pool:
        return self.service.pool

    async def key(self, name: str, tenant: str | None = None, scopes: Collection[str] | None = None) -> str:
        """Add a key and return its secret."""
        await keys.add(self.pool, name, SECRET + name, tenant=tenant, scopes=scopes)
        return SECRET + name

    async def ask(self, method: str, path: str, key: str = "ann", **arguments: Any) -> httpx.Response:
        """Send a request with the key of that name ("" for none)."""
        headers = {"Authorization": f"Bearer {SECRET}{key}"} if key else {}
        return await self.http.request(method, path, headers=headers | arguments.pop("headers", {}), **arguments)

    async def run(self, question: str = "Why?", key: str = "ann", **more: Any) -> UUID:
        """Submit a question and return the id of its run."""
        reply = await self.ask("POST", "/v1/runs", key, json={"question": question, **more})
        assert reply.status_code == 202, reply.text
        return UUID(reply.json()["id"])

    async def finish(self, run_id: UUID, answer: str = "Because. [1]") -> None:
        """Do a worker's work."""
        claim = await runs.claim(self.pool, run_id, "test")
        assert claim is not None
        await runs.finish(self.pool, claim, answer=answer, citations=[], run_class="simple")

    async def rows(self, query: str, *args: Any) -> list[dict[str, Any]]:
        async with self.pool.connection() as conn:
            return await (await conn.execute(query, args)).fetchall()


def migrated(server: Postgres, name: str) -> Settings:
    """Return settings whose database is new and has today's schema."""
    made = Settings.from_env({"DATABASE_URL": server.create_database(name)}, needs=("DATABASE_URL",))
    migrate.migrate(made)
    return made


@asynccontextmanager
async def api_world(settings: Settings) -> AsyncIterator[ApiWorld]:
    """Yield the API over the database of `settings`, which is migrated; however much waits there, it takes more."""
    async with await db.open_pool(settings, max_size=8) as pool:
        service = replace(open_service(settings, pool), admission=Admission(pool, WIDE, 0))
        transport = httpx.ASGITransport(build_app(service))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as http:
            world = ApiWorld(service, http)
            await world.key("ann", "a")
            await world.key("bob", "b")
            reading = asyncio.create_task(service.streams.keep_reading())
            try:
                yield world
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
