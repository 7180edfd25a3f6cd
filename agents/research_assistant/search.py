"""Search the web over the SearXNG wire format: the `web` tool of the researchers."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
from opentelemetry.trace import SpanKind

from bongsu.core.errors import UnreachableError
from bongsu.telemetry import metrics as m
from bongsu.telemetry import work
from bongsu.telemetry.traces import span
from research_assistant.retrieval.markdown import blocks

if TYPE_CHECKING:
    from research_assistant.state import Passage

PROVIDER = "searxng"
PASSAGES = 4
TIMEOUT = httpx.Timeout(5.0, connect=2.0)
MAX_ANSWER_BYTES = 1_000_000
MAX_TEXT_CHARS = 2_000
MAX_TITLE_CHARS = 200


@dataclass(frozen=True, slots=True)
class WebSearch:
    """One search provider; `client` has TIMEOUT set."""

    client: httpx.AsyncClient
    url: str

    async def find(self, query: str) -> list[Passage]:
        """Return at most PASSAGES results as passages, best first; raise UnreachableError when the provider fails."""
        started = time.perf_counter()
        failure = "abandoned"
        try:
            with span(f"search {PROVIDER}", {"server.address": self._host()}, kind=SpanKind.CLIENT):
                found = passages(await self._ask(query))
            failure = ""
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            failure = type(error).__name__
            raise UnreachableError(
                f"the search provider failed ({type(error).__name__}: {error})",
                where=self.url,
                next="check that it runs and that SEARCH_URL is right",
            ) from error
        finally:
            seconds = time.perf_counter() - started
            m.search_calls.labels(PROVIDER, "error" if failure else "ok").inc()
            m.search_duration.labels(PROVIDER).observe(seconds)
            work.called("search", PROVIDER, seconds, failure)
        return found

    def _host(self) -> str:
        return urlsplit(self.url).hostname or ""

    async def _ask(self, query: str) -> Any:
        request = self.client.build_request("GET", f"{self.url}/search", params={"q": query, "format": "json"})
        response = await self.client.send(request, stream=True)
        try:
            response.raise_for_status()
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MAX_ANSWER_BYTES:
                    raise ValueError(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
        finally:
            await response.aclose()
        return json.loads(body)


def passages(answer: Any) -> list[Passage]:
    """Return the usable results of a SearXNG answer; raise ValueError when it is not one."""
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list):
        raise ValueError("the answer has no list of results")  # noqa: TRY004 - one error for every kind of nonsense
    usable = (_passage(result) for result in results)
    return [passage for passage in usable if passage][:PASSAGES]


def _passage(result: Any) -> Passage | None:
    """Return a result with a title, an http(s) address and some text; None for any other."""
    if not isinstance(result, dict):
        return None
    title, url, content = (result.get(key) for key in ("title", "url", "content"))
    if not (isinstance(title, str) and isinstance(url, str) and isinstance(content, str)):
        return None
    text = "\n\n".join(block.text for block in blocks(content[:MAX_TEXT_CHARS]) if block.kind in ("prose", "item"))
    if not text or not _is_web(url):
        return None
    return {"source": "web", "title": " ".join(title.split())[:MAX_TITLE_CHARS], "url": url, "text": text}


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
