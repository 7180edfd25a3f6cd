"""Who calls: the key behind a request, asked of the database at most once a second for each key.

A program sends its key as `Authorization: Bearer KEY`. The page sends it in the HttpOnly, SameSite=Strict cookie
SESSION_COOKIE; a request that changes something and comes by cookie must also name its own origin, because a browser
sends cookies for whoever asks it to (CSRF).
"""

from __future__ import annotations

import hashlib
import time
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from research_assistant.api.problems import Refused
from research_assistant.keys import Caller

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

__all__ = ["SESSION_COOKIE", "Caller", "Callers"]

SESSION_COOKIE = "session_key"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REMEMBERED_SECONDS = 1.0
"""So long a withdrawn key may still work; polling clients cost one look-up a second instead of one a request."""
MAX_REMEMBERED = 1_000
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="research-assistant"'}


class Callers:
    """The callers seen lately; `verify` returns whose a key is, or None. Unknown keys are never remembered."""

    def __init__(
        self, verify: Callable[[str], Awaitable[Caller | None]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._verify, self._clock = verify, clock
        self._seen: dict[bytes, tuple[Caller, float]] = {}

    async def caller(self, request: Request, scope: str) -> Caller:
        """Return who calls; raise Refused: 401 without a valid key, 403 for a key without the scope."""
        caller = await self.known(request)
        if caller is None:
            detail = "Send a valid API key as `Authorization: Bearer KEY`."
            raise Refused(HTTPStatus.UNAUTHORIZED, detail, headers=CHALLENGE)
        if not caller.may(scope):
            raise Refused(HTTPStatus.FORBIDDEN, f"This key lacks the scope {scope!r}.")
        return caller

    async def known(self, request: Request) -> Caller | None:
        """Return who calls, None for nobody we know; raise Refused (403) for a change by cookie from elsewhere."""
        header = request.headers.get("authorization")
        if header is not None:
            scheme, _, secret = header.partition(" ")
            return await self._look_up(secret.strip()) if scheme.lower() == "bearer" else None
        secret = request.cookies.get(SESSION_COOKIE, "")
        caller = await self._look_up(secret)
        if caller and request.method not in SAFE_METHODS and not same_origin(request):
            detail = "A change by cookie must come from our own page: its Origin must be this host."
            raise Refused(HTTPStatus.FORBIDDEN, detail)
        return caller

    async def _look_up(self, secret: str) -> Caller | None:
        if not secret:
            return None
        digest = hashlib.sha256(secret.encode()).digest()
        caller, until = self._seen.get(digest, (None, 0.0))
        if caller is not None and self._clock() < until:
            return caller
        caller = await self._verify(secret)
        if len(self._seen) >= MAX_REMEMBERED:
            self._seen.clear()
        if caller is None:
            self._seen.pop(digest, None)
        else:
            self._seen[digest] = (caller, self._clock() + REMEMBERED_SECONDS)
        return caller


def same_origin(request: Request) -> bool:
    """Tell whether the Origin header names the host that was asked; without one the answer is no."""
    try:
        origin = urlsplit(request.headers.get("origin", ""))
    except ValueError:
        return False
    host = request.headers.get("host", "")
    return origin.scheme in ("http", "https") and bool(host) and origin.netloc.lower() == host.lower()
