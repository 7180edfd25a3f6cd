"""API keys: only their SHA-256 is stored (a key is long and random, so a slow hash would buy nothing).

A key belongs to a tenant and carries scopes. A key of the time before tenants has the tenant of its own name.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.errors import UniqueViolation

from bongsu.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from research_assistant.db import Pool

MIN_SECRET_CHARS = 24
SCOPES = ("ask", "read", "documents", "feedback", "admin")
DEFAULT_SCOPES = ("ask", "read", "documents", "feedback")
"""What a key may do that was added without `--scopes`; the same as the default of the column."""
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the name of the key, whose data it opens, and what it may do."""

    name: str
    tenant: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Tell whether the key carries the scope; `admin` holds every other one, inside its own tenant."""
        return scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list of keys."""

    name: str
    tenant: str
    scopes: tuple[str, ...]
    created_at: datetime


async def add(
    pool: Pool, name: str, secret: str, *, tenant: str | None = None, scopes: Collection[str] | None = None
) -> None:
    """Store a key under `name`; adding the same again changes nothing, another secret replaces the old one.

    Without `tenant` a new key gets the tenant of its own name, without `scopes` DEFAULT_SCOPES; of a known key they
    stay. Raises UsageError for a short secret, one that belongs to another name, a wrong tenant or scope, and for
    another tenant than before: what the name has asked for belongs to the old one.
    """
    _check(name, secret, tenant, scopes)
    query = """
        INSERT INTO api_keys AS known (name, digest, tenant, scopes)
        VALUES (%(name)s, %(digest)s, %(tenant)s, coalesce(%(scopes)s::text[], %(default)s))
        ON CONFLICT (name) DO UPDATE SET digest = EXCLUDED.digest, scopes = coalesce(%(scopes)s::text[], known.scopes)
        WHERE %(tenant)s::text IS NULL OR %(tenant)s = coalesce(known.tenant, known.name)
    """
    wanted = list(dict.fromkeys(scopes)) if scopes is not None else None
    values = {"name": name, "digest": _digest(secret), "tenant": tenant, "scopes": wanted}
    try:
        async with pool.connection() as conn:
            cursor = await conn.execute(query, values | {"default": list(DEFAULT_SCOPES)})
    except UniqueViolation as error:
        raise UsageError(
            "the secret already belongs to another name", where=f"API key {name}", next="use a new secret"
        ) from error
    if cursor.rowcount == 0:
        next_ = f"choose another name, or first `research-assistant keys revoke {name}`"
        raise UsageError("the name belongs to another tenant", where=f"API key {name}", next=next_)


async def revoke(pool: Pool, name: str) -> bool:
    """Forget the key; tell whether there was one. What it asked for stays with its tenant."""
    async with pool.connection() as conn:
        return (await conn.execute("DELETE FROM api_keys WHERE name = %s", (name,))).rowcount == 1


async def listing(pool: Pool) -> list[Listed]:
    """Return every key by tenant and name; secrets are not known here."""
    query = "SELECT name, coalesce(tenant, name) AS tenant, scopes, created_at FROM api_keys ORDER BY 2, 1"
    async with pool.connection() as conn:
        rows = await (await conn.execute(query)).fetchall()
    return [Listed(row["name"], row["tenant"], tuple(row["scopes"]), row["created_at"]) for row in rows]


async def verify(pool: Pool, secret: str) -> Caller | None:
    """Return whose key it is, None for a key we do not know."""
    query = "SELECT name, coalesce(tenant, name) AS tenant, scopes FROM api_keys WHERE digest = %s"
    async with pool.connection() as conn:
        row = await (await conn.execute(query, (_digest(secret),))).fetchone()
    return Caller(row["name"], row["tenant"], frozenset(row["scopes"])) if row else None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _check(name: str, secret: str, tenant: str | None, scopes: Collection[str] | None) -> None:
    where = f"API key {name}"
    if not name.strip():
        raise UsageError("the key has no name", where="API key", next="give it the name of who will use it")
    if len(secret) < MIN_SECRET_CHARS:
        raise UsageError(
            f"the secret has {len(secret)} characters, fewer than {MIN_SECRET_CHARS}",
            where=where,
            next="use a random one, for example: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    if tenant is not None and not _TENANT.fullmatch(tenant):
        raise UsageError(f"{tenant!r} is no tenant", where=where, next="give 1 to 64 of letters, digits and . _ -")
    if unknown := sorted(set(scopes or ()) - set(SCOPES)):
        raise UsageError(f"unknown scope: {', '.join(unknown)}", where=where, next=f"choose of {', '.join(SCOPES)}")
    if scopes is not None and not scopes:
        raise UsageError("the key would have no scope", where=where, next=f"choose of {', '.join(SCOPES)}")
