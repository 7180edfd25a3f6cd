"""tenants: limits that differ from the configured ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research_assistant import tenants
from research_assistant.settings import Settings
from research_assistant.verbs.store import open_store

if TYPE_CHECKING:
    from argparse import Namespace

NEEDS = ("DATABASE_URL",)


async def set_limits(args: Namespace) -> int:
    """Give a tenant limits of its own; they count from the next request on."""
    limits = tenants.Limits(args.name, args.requests_per_minute, args.concurrency)
    async with open_store(Settings.from_env(needs=NEEDS)) as pool:
        await tenants.put(pool, limits)
    print(_line(limits))
    return 0


async def show_all(_args: Namespace) -> int:
    """Print one line for each tenant with limits of its own."""
    async with open_store(Settings.from_env(needs=NEEDS)) as pool:
        for limits in await tenants.listing(pool):
            print(_line(limits))
    return 0


def _line(limits: tenants.Limits) -> str:
    values = (limits.requests_per_minute, limits.concurrency)
    return "\t".join([limits.name, *("-" if value is None else str(value) for value in values)])
