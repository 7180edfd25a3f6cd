"""Research: find passages for one query with one tool; many researchers run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.errors import UnreachableError

if TYPE_CHECKING:
    from research_assistant.services import Services
    from research_assistant.state import Finding, Research


async def research(services: Services, order: Research) -> Finding:
    """Return what the tool found; a tool that failed is noted, and the others' passages still make an answer."""
    if order["tool"] == "documents":
        passages, failures = await services.documents.find(order["query"], order.get("tenant"))
        return {"passages": passages, "failures": list(failures)} if failures else {"passages": passages}
    try:
        return {"passages": await services.web.find(order["query"])}
    except UnreachableError:
        return {"passages": [], "failures": ["search"]}
