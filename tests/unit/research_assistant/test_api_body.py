from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from research_assistant.api.body import DRAIN_BYTES, LIMIT_BYTES, BoundedBody
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send


async def echo_size(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await Response(str(len(body)))(scope, receive, send)


def client(app: BoundedBody) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api")


async def in_pieces(total: int, piece: int) -> AsyncIterator[bytes]:
    for start in range(0, total, piece):
        yield b"x" * min(piece, total - start)


@pytest.mark.parametrize("size", [0, 1, LIMIT_BYTES])
async def test_a_body_up_to_the_limit_arrives_whole(size: int) -> None:
    async with client(BoundedBody(echo_size)) as http:
        assert (await http.post("/", content=b"x" * size)).text == str(size)


@pytest.mark.parametrize("size", [LIMIT_BYTES + 1, 1_000_000])
async def test_a_longer_body_is_answered_with_413(size: int) -> None:
    async with client(BoundedBody(echo_size)) as http:
        answer = await http.post("/", content=b"x" * size)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Request Entity Too Large"


async def test_the_bytes_that_arrive_are_counted_not_the_ones_announced() -> None:
    async with client(BoundedBody(echo_size)) as http:
        chunked = await http.post("/", content=in_pieces(LIMIT_BYTES + 1, 1000))
        lying = await http.post("/", content=in_pieces(LIMIT_BYTES + 1, 1000), headers={"Content-Length": "10"})
    assert (chunked.status_code, lying.status_code) == (413, 413)


async def test_a_body_without_end_is_not_read_for_ever() -> None:
    read = 0

    async def receive() -> Message:
        nonlocal read
        read += LIMIT_BYTES
        return {"type": "http.request", "body": b"x" * LIMIT_BYTES, "more_body": True}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await BoundedBody(echo_size)({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send)
    assert sent[0]["status"] == 413
    assert read <= DRAIN_BYTES + 2 * LIMIT_BYTES


async def test_a_body_that_does_not_arrive_is_answered_with_408() -> None:
    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await BoundedBody(echo_size, seconds=0.01)(
        {"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send
    )
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["status"] == 408
