"""provider: which LLM endpoint is in use. Runbooks call it in the middle of an outage, so it imports little."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.errors import UsageError
from research_assistant import provider
from research_assistant.settings import Settings
from research_assistant.verbs.store import open_store

if TYPE_CHECKING:
    from argparse import Namespace

NEEDS = ("DATABASE_URL",)


async def show(_args: Namespace) -> int:
    """Print the LLM endpoint in use."""
    async with open_store(Settings.from_env(needs=NEEDS)) as pool:
        print(await provider.active(pool))
    return 0


async def switch(args: Namespace) -> int:
    """Send every LLM call from now on to the given endpoint."""
    settings = Settings.from_env(needs=NEEDS)
    if args.to == "secondary" and not settings.openai_secondary_base_url:
        raise UsageError(
            "there is no secondary endpoint", where="OPENAI_SECONDARY_BASE_URL", next="set it, for the workers too"
        )
    async with open_store(settings) as pool:
        await provider.switch(pool, args.to)
    print(args.to)
    return 0
