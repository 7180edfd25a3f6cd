"""API keys: only their SHA-256 is stored (a key is long and random, so a slow hash would buy nothing)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from psycopg.errors import UniqueViolation

from bongsu.core.errors import UsageError

if TYPE_CHECKING:
    from research_assistant.db import Pool

MIN_SECRET_CHARS = 24


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


async def add(pool: Pool, name: str, secret: str) -> None:
    """Store a key under `name`; adding the same pair again changes nothing, another secret replaces the old one.

    Raises UsageError for a secret shorter than 24 characters or one that already belongs to another name.
    """
    if not name.strip():
        raise UsageError("the key has no name", where="API key", next="give it the name of who will use it")
    if len(secret) < MIN_SECRET_CHARS:
        raise UsageError(
            f"the secret has {len(secret)} characters, fewer than {MIN_SECRET_CHARS}",
            where=f"API key {name}",
            next="use a random one, for example: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    query = (
        "INSERT INTO api_keys (name, digest) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET digest = EXCLUDED.digest"
    )
    try:
        async with pool.connection() as conn:
            await conn.execute(query, (name, _digest(secret)))
    except UniqueViolation as error:
        raise UsageError(
            "the secret already belongs to another name", where=f"API key {name}", next="use a new secret"
        ) from error


async def verify(pool: Pool, secret: str) -> str | None:
    """Return the name the key was stored under, None for a key we do not know."""
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT name FROM api_keys WHERE digest = %s", (_digest(secret),))
        row = await cursor.fetchone()
    return str(row["name"]) if row else None
