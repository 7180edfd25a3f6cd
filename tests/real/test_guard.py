"""Outgoing requests on real sockets: where they connect, whatever names, redirects and providers say."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import openai
import pytest
from research_assistant.guard import Guard, GuardedTransport, GuardedTransport2
from research_assistant.search import WebSearch

from bongsu.core.errors import UnreachableError


class Inside(ThreadingHTTPServer):
    """A service of our own network; it keeps what reached it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.reached: list[tuple[str, str]] = []
        self.redirect = ""


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Inside)
        self.server.reached.append((self.headers["Host"], self.path))
        if self.server.redirect:
            self.send_response(302)
            self.send_header("Location", self.server.redirect)
        else:
            self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def inside() -> Iterator[Inside]:
    with Inside() as started:
        threading.Thread(target=started.serve_forever, daemon=True).start()
        yield started
        started.shutdown()


class Rebinding:
    """A name server that answers with a public address first and with ours afterwards."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, _host: str, _port: int) -> list[str]:
        self.asked += 1
        return ["8.8.8.8"] if self.asked == 1 else ["127.0.0.1"]


async def test_a_name_that_resolves_into_our_network_is_not_reached(inside: Inside) -> None:
    async with httpx.AsyncClient(transport=GuardedTransport(Guard())) as http:
        with pytest.raises(httpx.ConnectError, match="not public"):
            await http.get(f"http://localhost:{inside.server_port}/")
    assert inside.reached == []


async def test_without_the_guard_it_would_be_reached(inside: Inside) -> None:
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"http://localhost:{inside.server_port}/")).status_code == 200
    assert inside.reached


async def test_what_was_judged_is_what_is_connected_to(inside: Inside) -> None:
    """The name is asked once: had the transport asked again, it would have come to 127.0.0.1."""
    names = Rebinding()
    async with httpx.AsyncClient(transport=GuardedTransport(Guard(resolver=names)), timeout=0.3) as http:
        with pytest.raises((httpx.ConnectError, httpx.ConnectTimeout)):
            await http.get(f"http://search.example:{inside.server_port}/")
        assert names.asked == 1
        with pytest.raises(httpx.ConnectError, match="not public"):
            await http.get(f"http://search.example:{inside.server_port}/")
    assert inside.reached == []


async def test_an_allowed_name_is_reached_under_its_own_name(inside: Inside) -> None:
    async def names(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    guard = Guard(frozenset({f"search.svc:{inside.server_port}"}), names)
    async with httpx.AsyncClient(transport=GuardedTransport(guard)) as http:
        reply = await http.get(f"http://search.svc:{inside.server_port}/search")
    assert reply.url.host == "search.svc"
    assert inside.reached == [(f"search.svc:{inside.server_port}", "/search")]


async def test_a_redirect_of_a_provider_cannot_lead_elsewhere_inside(inside: Inside) -> None:
    """The OpenAI client follows redirects: each hop is judged, and only the configured address is ours to use."""
    with Inside() as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        inside.redirect = f"http://127.0.0.1:{other.server_port}/secrets"
        guard = Guard(frozenset({f"127.0.0.1:{inside.server_port}"}))
        client = openai.AsyncOpenAI(
            base_url=f"http://127.0.0.1:{inside.server_port}/v1",
            api_key="none",
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(transport=GuardedTransport2(guard)),
        )
        with pytest.raises(openai.APIConnectionError):
            await client.models.list()
        await client.close()
        other.shutdown()
    assert len(inside.reached) == 1
    assert other.reached == []


async def test_a_blocked_search_is_a_search_that_fails(inside: Inside) -> None:
    async with httpx.AsyncClient(transport=GuardedTransport(Guard())) as http:
        with pytest.raises(UnreachableError, match="not public"):
            await WebSearch(http, f"http://127.0.0.1:{inside.server_port}").find("anything")
    assert inside.reached == []
