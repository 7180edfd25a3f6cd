"""Read request bodies before anybody else does: bounded in bytes and in time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from research_assistant.api.problems import problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LIMIT_BYTES = 64 * 1024
DRAIN_BYTES = 4 * 1024 * 1024
"""So much of a body that is too long is read and thrown away, so that the client can still send it and read our 413."""
READ_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class BoundedBody:
    """Middleware that answers 413 to a body over its limit, 408 to one that does not arrive, and hands on the rest.

    It counts the bytes that arrive: a Content-Length can be absent or a lie. `limits` are those of single routes
    (method and path) that take more than `limit` bytes.
    """

    app: ASGIApp
    limit: int = LIMIT_BYTES
    seconds: float = READ_SECONDS
    limits: Mapping[tuple[str, str], int] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, then let the application answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.limits.get((scope["method"], scope["path"]), self.limit)
        try:
            async with asyncio.timeout(self.seconds):
                body = await _read(receive, limit)
        except TimeoutError:
            late = problem(
                HTTPStatus.REQUEST_TIMEOUT, f"The body did not arrive within {self.seconds:g} s.", headers=CLOSE
            )
            await late(scope, receive, send)
            return
        if body is None:
            detail = f"The body is longer than {limit} bytes."
            await problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, headers=CLOSE)(scope, receive, send)
            return
        await self.app(scope, _Replay(body, receive), send)


CLOSE = {"Connection": "close"}


class _Replay:
    """Hand out the body once, then whatever the connection says next."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._message: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._receive = receive

    async def __call__(self) -> Message:
        message, self._message = self._message, None
        return message or await self._receive()


async def _read(receive: Receive, limit: int) -> bytes | None:
    """Return the body, None when it is longer than `limit`; a client that went away left what it had sent."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= limit:
            parts.append(part)
        if message["type"] == "http.disconnect" or not message.get("more_body", False) or size > DRAIN_BYTES:
            return b"".join(parts) if size <= limit else None
