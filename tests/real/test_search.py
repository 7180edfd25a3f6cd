"""The search client against a provider that misbehaves on the wire: a lost tool costs passages, not the run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from research_assistant.nodes.researcher import research
from research_assistant.search import MAX_ANSWER_BYTES, TIMEOUT, WebSearch

from bongsu.core.errors import UnreachableError
from tests.real.support.endpoint import Answer, endpoint

if TYPE_CHECKING:
    from research_assistant.services import Services

RESULT = {"title": "Page", "url": "https://example.org/page", "content": "It is so."}
GOOD = Answer(body=json.dumps({"results": [RESULT]}).encode())


class OnlyWeb:
    """Services of which a web researcher uses one."""

    def __init__(self, web: WebSearch) -> None:
        self.web = web


async def find(url: str) -> Any:
    async with httpx.AsyncClient(timeout=TIMEOUT) as client:
        return await WebSearch(client, url).find("what")


async def test_results_are_found_on_the_wire() -> None:
    with endpoint(GOOD) as provider:
        assert [passage["url"] for passage in await find(provider.url)] == ["https://example.org/page"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500),
        Answer(429),
        Answer(403, b"Forbidden"),
        Answer(body=b"<html>Sign in</html>"),
        Answer(body=b'{"results": "none"}'),
        Answer(body=b'{"results": [', announced=5000),
        Answer(body=b" " * (MAX_ANSWER_BYTES + 1)),
    ],
    ids=["500", "429", "403", "HTML", "other JSON", "cut off", "too long"],
)
async def test_a_provider_that_fails_is_unreachable(answer: Answer) -> None:
    with endpoint(answer) as provider, pytest.raises(UnreachableError):
        await find(provider.url)


async def test_a_researcher_whose_tool_is_lost_notes_it_and_goes_on() -> None:
    async with httpx.AsyncClient(timeout=TIMEOUT) as client:
        services = cast("Services", OnlyWeb(WebSearch(client, "http://127.0.0.1:1")))
        assert await research(services, {"tool": "web", "query": "what"}) == {"passages": [], "failures": ["search"]}
