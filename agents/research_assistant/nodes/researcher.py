"""Research: find passages for one query with one tool; many researchers run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.errors import UnreachableError
from bongsu.telemetry import work

if TYPE_CHECKING:
    from research_assistant.services import Services
    from research_assistant.state import Finding, Passage, Research


async def research(services: Services, order: Research) -> Finding:
    """Return what the tool found; a tool that failed is noted, and the others' passages still make an answer."""
    with work.tool(order["tool"]) as call:
        if order["tool"] == "documents":
            passages, failures = await services.documents.find(order["query"], order.get("tenant"))
        else:
            passages, failures = await _web(services, order["query"])
        if failures:
            call.failed(failures[0])
    return {"passages": passages, "failures": list(failures)} if failures else {"passages": passages}


async def _web(services: Services, query: str) -> tuple[list[Passage], tuple[str, ...]]:
    try:
        return await services.web.find(query), ()
    except UnreachableError:
        return [], ("search",)
