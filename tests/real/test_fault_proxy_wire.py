"""The fault proxy on the wire: bytes, framing, broken peers, many requests."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.real.support.fault_proxy import CHAT, QUESTION, Proxy, proxying
from tests.real.support.stand_ins import Running, running


@pytest.fixture(scope="module")
def provider() -> Iterator[Running]:
    with running("bongsu.local.provider", "--port", "0") as process:
        yield process


@pytest.fixture
def proxy(tmp_path: Path, provider: Running) -> Iterator[Proxy]:
    with proxying(tmp_path, provider.url) as running_proxy:
        yield running_proxy


@asynccontextmanager
async def scripted(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> AsyncIterator[str]:
    """Run an upstream that does exactly what `serve` does."""
    tasks: set[asyncio.Task[Any]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def raw(url: str, request: bytes) -> bytes:
    """Send bytes, return every byte until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(request)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


RESPONSES = {
    "content-length": (
        b"HTTP/1.1 200 Fine Indeed\r\nX-ODD-Case: a  b\r\nset-cookie: 1\r\nset-cookie: 2\r\nContent-Length: 5\r\n\r\n"
        b"\x00\xff\r\n!"
    ),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;ext=1\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-Trailer: t\r\n\r\n"
    ),
    "until close": b"HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nas long as it lasts",
    "no content": b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
}


@pytest.mark.parametrize("kind", list(RESPONSES))
async def test_responses_pass_byte_for_byte(tmp_path: Path, kind: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(RESPONSES[kind])
        await writer.drain()

    request = b"GET /x?key=secret HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    async with scripted(serve) as upstream:
        direct = await raw(upstream, request)
        with proxying(tmp_path, upstream) as proxy:
            proxied = await raw(proxy.url, request)
    head, _, body = direct.partition(b"\r\n\r\n")
    # the proxy closes its own connection, because the client asked for it: that one header is the proxy's to set
    assert proxied == head + b"\r\nconnection: close\r\n\r\n" + body


@pytest.mark.parametrize("chunked", [False, True])
async def test_long_request_bodies_pass_byte_for_byte(tmp_path: Path, chunked: bool) -> None:
    body = bytes(range(256)) * 4096
    sent = b"10000\r\n".join([b"", *(body[i : i + 65536] + b"\r\n" for i in range(0, len(body), 65536))]) + b"0\r\n\r\n"
    framing, sent = (b"Transfer-Encoding: chunked", sent) if chunked else (b"Content-Length: %d" % len(body), body)
    seen = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.set_result((head, await reader.readexactly(len(sent))))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()

    async with scripted(serve) as upstream:
        with proxying(tmp_path, upstream) as proxy:
            head = b"POST /v1/x HTTP/1.1\r\nHost: h\r\nX-Case: Kept\r\n" + framing + b"\r\nConnection: close\r\n\r\n"
            assert (await raw(proxy.url, head + sent)).startswith(b"HTTP/1.1 204")
        got_head, got_body = await seen
    assert got_body == sent
    host = upstream.removeprefix("http://").encode()
    assert got_head == b"POST /v1/x HTTP/1.1\r\nHost: " + host + b"\r\nX-Case: Kept\r\n" + framing + b"\r\n\r\n"


async def test_a_stream_passes_chunk_by_chunk(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await writer.drain()
        await go_on.wait()
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")
        await writer.drain()

    async with scripted(serve) as upstream:
        with proxying(tmp_path, upstream) as proxy:
            async with httpx.AsyncClient(timeout=10) as http, http.stream("GET", proxy.url) as answer:
                pieces = answer.aiter_raw()
                assert await anext(pieces) == b"first"
                go_on.set()  # the upstream goes on only now: the first chunk did not wait for the second
                assert await anext(pieces) == b"second"


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_an_upstream_that_breaks_off_is_seen_as_such(tmp_path: Path, how: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
        await writer.drain()
        if how == "rst":
            await asyncio.sleep(0.2)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async with scripted(serve) as upstream:
        with proxying(tmp_path, upstream) as proxy:
            expected = httpx.RemoteProtocolError if how == "fin" else httpx.ReadError
            async with httpx.AsyncClient(timeout=10) as http:
                with pytest.raises(expected):
                    await http.get(proxy.url)
            assert (await proxy.control.status())["upstream_errors"] == 1


async def test_a_dead_upstream_is_a_connection_error_and_no_502(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        dead = reserved.getsockname()[1]
    with proxying(tmp_path, f"http://127.0.0.1:{dead}") as proxy:
        async with httpx.AsyncClient(timeout=10) as http:
            with pytest.raises(httpx.TransportError):
                await http.get(proxy.url)


def test_an_upstream_that_restarts_is_found_again_on_the_same_connection(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = str(reserved.getsockname()[1])
    with proxying(tmp_path, f"http://127.0.0.1:{port}") as proxy, httpx.Client() as http:
        for _ in range(2):
            with running("bongsu.local.provider", "--port", port):
                assert http.get(f"{proxy.url}/healthz").status_code == 200
                assert asyncio.run(proxy.control.status())["connections"] == 1


async def test_a_client_that_waits_for_100_continue_gets_it(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(4)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + body)
        await writer.drain()

    async with scripted(serve) as upstream:
        with proxying(tmp_path, upstream) as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
            writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
            async with asyncio.timeout(10):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
                writer.write(b"body")
                assert (await reader.readuntil(b"body")).startswith(b"HTTP/1.1 200")
            writer.close()


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_a_request_that_is_no_http_is_a_400(proxy: Proxy, request_: bytes) -> None:
    assert (await raw(proxy.url, request_)).startswith(b"HTTP/1.1 400 ")
    assert (await proxy.control.status())["requests"] == 0


async def test_a_head_without_end_is_cut_off(proxy: Proxy) -> None:
    with suppress(ConnectionResetError):  # the rest of the head is still unread when the proxy closes
        assert (await raw(proxy.url, b"GET / HTTP/1.1\r\nX: " + b"x" * 10_000_000)).startswith(b"HTTP/1.1 400 ")
    assert (await proxy.control.status())["requests"] == 0


async def test_a_client_that_leaves_in_mid_request_harms_nobody(proxy: Proxy) -> None:
    for part in (b"POST /v1/chat/completions HT", b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf"):
        _, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
        writer.write(part)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{proxy.url}/healthz")).status_code == 200


async def test_the_ledger_holds_no_query_string(proxy: Proxy) -> None:
    await proxy.control.inject({"kind": "http-error", "status": 500}, 30)
    async with httpx.AsyncClient() as http:
        await http.get(f"{proxy.url}/customsearch/v1?key=very-secret&q=x")
    assert proxy.ledger("hit")[0]["path"] == "/customsearch/v1"
    assert "very-secret" not in proxy.ledger_file.read_text()


def test_a_thousand_requests_share_one_connection_and_are_counted(proxy: Proxy) -> None:
    with httpx.Client(base_url=proxy.url, headers={"authorization": "Bearer k"}) as http:
        for _ in range(1000):
            assert http.post(CHAT, json=QUESTION).status_code == 200
        status = asyncio.run(proxy.control.status())
    assert (status["requests"], status["connections"], status["upstream_errors"]) == (1000, 1, 0)


async def test_many_connections_at_once_are_kept_apart(proxy: Proxy) -> None:
    async def one(http: httpx.AsyncClient, number: int) -> bool:
        content = f"Sentence number {number} caps retries."
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": content}]}
        answer = await http.post(f"{proxy.url}{CHAT}", json=body, headers={"authorization": "Bearer k"})
        return bool(answer.json()["choices"][0]["message"]["content"] == content)

    async with httpx.AsyncClient(timeout=60) as http:
        assert all(await asyncio.gather(*(one(http, number) for number in range(100))))
