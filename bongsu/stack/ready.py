"""Conditions that tell whether a process answers; asked again and again, never slept through."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import LiteralString

import httpx
import psycopg

_ASK_SECONDS = 3.0
_OK = 200


@dataclass(frozen=True, slots=True)
class HttpReady:
    """The URL answers 200; with `metric`, its value in that exposition text must also be at least `minimum`."""

    url: str
    metric: str = ""
    minimum: float = 1.0


@dataclass(frozen=True, slots=True)
class PostgresReady:
    """A connection by this DSN succeeds."""

    dsn: str


@dataclass(frozen=True, slots=True)
class TcpReady:
    """The port accepts a connection."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class QueryReady:
    """A query by this DSN answers true; `what` says in words what is so then."""

    dsn: str
    query: LiteralString
    what: str


Ready = HttpReady | PostgresReady | TcpReady | QueryReady


def make_client() -> httpx.AsyncClient:
    """Return a client for `why_not`; it ignores HTTP_PROXY, which must not stand between us and the loopback."""
    return httpx.AsyncClient(trust_env=False, timeout=_ASK_SECONDS)


async def why_not(ready: Ready, client: httpx.AsyncClient) -> str | None:
    """Return why the condition does not hold, in words, or None when it holds."""
    match ready:
        case HttpReady():
            return await _http(ready, client)
        case PostgresReady():
            return await _postgres(ready)
        case TcpReady():
            return await _tcp(ready)
        case QueryReady():
            return await _query(ready)


async def _http(ready: HttpReady, client: httpx.AsyncClient) -> str | None:
    try:
        answer = await client.get(ready.url)
    except httpx.HTTPError as error:
        return f"{ready.url}: {type(error).__name__} {error}".rstrip()
    if answer.status_code != _OK:
        return f"{ready.url} answers {answer.status_code}"
    if not ready.metric:
        return None
    found = re.search(rf"^{re.escape(ready.metric)} (\S+)$", answer.text, re.MULTILINE)
    if found and float(found.group(1)) >= ready.minimum:
        return None
    return f"{ready.metric} is {found.group(1) if found else 'absent'}, not yet {ready.minimum:g}"


async def _postgres(ready: PostgresReady) -> str | None:
    try:
        connection = await psycopg.AsyncConnection.connect(ready.dsn, connect_timeout=int(_ASK_SECONDS))
    except psycopg.Error as error:
        return str(error).splitlines()[0]
    await connection.close()
    return None


async def _query(ready: QueryReady) -> str | None:
    try:
        async with await psycopg.AsyncConnection.connect(ready.dsn, connect_timeout=int(_ASK_SECONDS)) as connection:
            row = await (await connection.execute(ready.query)).fetchone()
    except psycopg.Error as error:
        return str(error).splitlines()[0]
    return None if row and row[0] else f"not yet so: {ready.what}"


async def _tcp(ready: TcpReady) -> str | None:
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            _, writer = await asyncio.open_connection(ready.host, ready.port)
    except (OSError, TimeoutError) as error:
        return f"{ready.host}:{ready.port}: {error}"
    writer.close()
    await writer.wait_closed()
    return None
