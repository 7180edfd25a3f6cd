"""index: the vector index, derived from PostgreSQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import uvloop

from research_assistant import db, documents
from research_assistant.retrieval import audit, rollforward
from research_assistant.retrieval.index import VectorIndex
from research_assistant.settings import Settings
from research_assistant.verbs.store import open_store

if TYPE_CHECKING:
    from argparse import Namespace

NEEDS = ("DATABASE_URL", "CHROMA_URL")


async def roll_forward(_args: Namespace) -> int:
    """Bring Chroma up to date with PostgreSQL."""
    settings = Settings.from_env(needs=NEEDS)
    async with open_store(settings) as pool:
        await roll(settings, pool)
    return 0


async def roll(settings: Settings, pool: db.Pool) -> None:
    """Bring Chroma up to date with PostgreSQL and say how many changes that took."""
    print(f"index: {await rollforward.roll_forward(pool, VectorIndex(settings.chroma_url))} changes applied")


async def position(_args: Namespace) -> int:
    """Print how far the copy in use was rolled forward, and the newest change; change nothing in PostgreSQL."""
    settings = Settings.from_env(needs=NEEDS)
    async with open_store(settings) as pool:
        copy = await VectorIndex(settings.chroma_url).copy()
        async with db.snapshot(pool) as conn:
            reached, latest = await rollforward.position(conn, copy), await documents.latest_change_in(conn)
    print(json.dumps({"position": reached, "latest": latest}))
    return 0


def compare(args: Namespace) -> int:
    """Compare every vector with PostgreSQL, with `--heal` repair what differs; 1 when something is (still) wrong."""
    # PostgreSQL sends 8 kB at a time: thousands of turns of the loop a second.
    return uvloop.run(_compare(heal=args.heal))


async def _compare(*, heal: bool) -> int:
    settings = Settings.from_env(needs=NEEDS)
    healed = 0
    async with open_store(settings) as pool:
        index = VectorIndex(settings.chroma_url)
        findings = await audit.audit(pool, index)
        if heal and findings.all:
            before = len(findings.all)
            await audit.repair(pool, index, findings.all)
            findings = await audit.audit(pool, index)
            healed = max(0, before - len(findings.all))
    print(json.dumps(findings.line(healed)))
    return 1 if findings.all else 0
