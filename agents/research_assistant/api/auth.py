"""Who calls: the name behind an API key, asked of the database at most once a second for each key."""

from __future__ import annotations

import hashlib
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from research_assistant.api.problems import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

REMEMBERED_SECONDS = 1.0
"""So long a withdrawn key may still work; polling clients cost one look-up a second instead of one a request."""
MAX_REMEMBERED = 1_000
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="research-assistant"'}


class Callers:
    """The callers seen lately; `verify` returns the name of a key or None. Unknown keys are never remembered."""

    def __init__(
        self, verify: Callable[[str], Awaitable[str | None]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._verify, self._clock = verify, clock
        self._seen: dict[bytes, tuple[str, float]] = {}

    async def name(self, request: Request) -> str:
        """Return the name of the caller's key; raise Refused (401) for a request without a valid one."""
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        name = await self._look_up(secret.strip()) if scheme.lower() == "bearer" and secret.strip() else None
        if name is None:
            detail = "Send a valid API key as `Authorization: Bearer KEY`."
            raise Refused(HTTPStatus.UNAUTHORIZED, detail, headers=CHALLENGE)
        return name

    async def _look_up(self, secret: str) -> str | None:
        digest = hashlib.sha256(secret.encode()).digest()
        name, until = self._seen.get(digest, (None, 0.0))
        if name is not None and self._clock() < until:
            return name
        name = await self._verify(secret)
        if len(self._seen) >= MAX_REMEMBERED:
            self._seen.clear()
        if name is None:
            self._seen.pop(digest, None)
        else:
            self._seen[digest] = (name, self._clock() + REMEMBERED_SECONDS)
        return name
