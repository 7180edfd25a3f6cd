"""keys: who may call the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.errors import UsageError
from research_assistant import keys
from research_assistant.settings import Settings
from research_assistant.verbs.store import open_store

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

NEEDS = ("DATABASE_URL",)


async def add(args: Namespace) -> int:
    """Allow the key in a file to call the API."""
    secret = _read(args.key_file)
    async with open_store(Settings.from_env(needs=NEEDS)) as pool:
        await keys.add(pool, args.name, secret, tenant=args.tenant, scopes=args.scopes)
    print(f"key {args.name} may call the API")
    return 0


async def show_all(_args: Namespace) -> int:
    """Print one line for each key: name, tenant, scopes, since when."""
    async with open_store(Settings.from_env(needs=NEEDS)) as pool:
        for key in await keys.listing(pool):
            print(key.name, key.tenant, ",".join(key.scopes), key.created_at.isoformat(timespec="seconds"), sep="\t")
    return 0


async def revoke(args: Namespace) -> int:
    """Forget a key; the API refuses it within a second."""
    async with open_store(Settings.from_env(needs=NEEDS)) as pool:
        if not await keys.revoke(pool, args.name):
            raise UsageError("there is no such key", where=args.name, next="`research-assistant keys list` shows them")
    print(f"key {args.name} is revoked")
    return 0


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot be read ({type(error).__name__})", where=str(file), next="write the key into it"
        ) from error
