"""Call the API in the same process: the page has no way around its keys, scopes, tenants, limits and admission."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp

BASE = "http://inside"
DEFAULT_RETRY_SECONDS = 5


class ApiRefusal(Exception):  # noqa: N818 - what the API answered, not a fault of ours
    """Say that the API did not do it: `status` is its answer, `retry_seconds` when to come back."""

    def __init__(self, status: int, retry_seconds: int = DEFAULT_RETRY_SECONDS) -> None:
        super().__init__(f"the API answered {status}")
        self.status, self.retry_seconds = status, retry_seconds


@dataclass(frozen=True, slots=True)
class Inside:
    """The API as one caller: `key` is an API key."""

    transport: httpx.ASGITransport
    key: str

    @classmethod
    def of(cls, app: ASGIApp, key: str) -> Inside:
        """Return the API of an application as the owner of a key sees it."""
        return cls(httpx.ASGITransport(app), key)

    async def get(self, path: str) -> Any:
        """Return what the API shows there; raise ApiRefusal."""
        return await self.call("GET", path)

    async def call(
        self, method: str, path: str, content: object = None, *, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Send `content` as JSON, or as it is when it is bytes; return the JSON of the answer. Raises ApiRefusal."""
        given = {"Authorization": f"Bearer {self.key}", "Accept": "application/json", **(headers or {})}
        body = content if isinstance(content, bytes) or content is None else json.dumps(content).encode()
        if body is not None:
            given.setdefault("Content-Type", "application/json")
        # No client: it would keep the cookies and write the addresses to the log.
        request = httpx.Request(method, f"{BASE}{path}", headers=given, content=body)
        response = await self.transport.handle_async_request(request)
        read = await response.aread()
        if response.is_success:
            return json.loads(read) if read else None
        raise ApiRefusal(response.status_code, _retry_seconds(response))


def _retry_seconds(response: httpx.Response) -> int:
    value = response.headers.get("retry-after", "")
    return int(value) if value.isascii() and value.isdigit() else DEFAULT_RETRY_SECONDS


def is_missing(refusal: ApiRefusal) -> bool:
    """Tell whether there is nothing at that address."""
    return refusal.status == HTTPStatus.NOT_FOUND
