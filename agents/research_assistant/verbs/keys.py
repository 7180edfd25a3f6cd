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


async def add(args: Namespace) -> int:
    """Allow the key in a file to call the API."""
    secret = _read(args.key_file)
    async with open_store(Settings.from_env(needs=("DATABASE_URL",))) as pool:
        await keys.add(pool, args.name, secret)
    print(f"key {args.name} may call the API")
    return 0


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot be read ({type(error).__name__})", where=str(file), next="write the key into it"
        ) from error
