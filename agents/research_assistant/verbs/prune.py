"""prune: delete old rows now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.errors import StateError
from research_assistant import db, retention
from research_assistant.settings import Settings
from research_assistant.verbs.store import open_store

if TYPE_CHECKING:
    from argparse import Namespace


async def run(_args: Namespace) -> int:
    """Delete what is older than its retention; print how many rows of each kind."""
    settings = Settings.from_env(needs=("DATABASE_URL",))
    async with open_store(settings) as pool:
        pruned = await retention.prune(pool, settings.retention)
    if pruned is None:
        raise StateError(
            "another process is pruning", where=db.where(settings.database_url), next="wait for it, then call again"
        )
    for what, rows in pruned.items():
        print(f"{what}: {rows}")
    return 0
