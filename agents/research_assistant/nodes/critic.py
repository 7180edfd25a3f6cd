"""Criticize: keep what its source supports, drop the rest, fail a run that supports nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from research_assistant.citations import numbered, verify
from research_assistant.errors import RunError
from research_assistant.nodes.again import may_search_again, searched_again

if TYPE_CHECKING:
    from research_assistant.services import Services
    from research_assistant.state import RunState


async def criticize(_services: Services, state: RunState) -> dict[str, Any]:
    """Check every citation of the draft by code; the answer holds supported sentences only."""
    answer, citations = verify(state["draft"], numbered(state["passages"]))
    if not citations and may_search_again(state):
        return {**searched_again()}
    if not citations:
        # Nothing supported and a tool down is that tool's failure: the passage may have been behind it.
        kind = next(iter(state["failures"]), "citations")
        raise RunError(kind, "no sentence of the draft stands in the passage it cites")
    return {"answer": answer, "citations": citations}
