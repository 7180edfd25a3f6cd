"""Wrap every node alike: its row in the ledger, its span and metrics, its minimum pace."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from langgraph.config import get_config

from bongsu.telemetry import work
from research_assistant import events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from research_assistant.services import Services

    Node = Callable[[Services, Any], Awaitable[Any]]


class Observed(Protocol):
    """A node as LangGraph calls it."""

    async def __call__(self, state: Any) -> Any:
        """Return what the node adds to the state."""


def observed(name: str, services: Services, node: Node) -> Observed:
    """Return `node` with its ledger row, its telemetry and its pace.

    A pace of `settings.node_pace_seconds` stretches it, so that a test can kill the worker inside it.
    """

    async def run(state: Any) -> Any:
        await events.node_started(services.pool, get_config(), name)
        started = time.perf_counter()
        with work.agent(name):
            result = await node(services, state)
            await asyncio.sleep(max(0.0, started + services.settings.node_pace_seconds - time.perf_counter()))
        return result

    return run


def run_id() -> UUID:
    """Return the id of the run that the calling node belongs to."""
    return UUID(str(get_config()["configurable"]["run_id"]))
