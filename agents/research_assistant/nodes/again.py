"""Search again: a later try of a run whose tools were down must not find the same nothing.

The researchers' results are finished nodes and stay. What failed is ordered anew: new researchers, after which
synthesis and check run once more. Once for each try (each has a fence of its own), so that a tool that stays down ends
the try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langgraph.config import get_config
from langgraph.types import Send

if TYPE_CHECKING:
    from research_assistant.state import RunState, Tool

TOOL_OF: dict[str, Tool] = {"search": "web", "vector": "documents"}
"""Kinds of failure of researchers, and the tool whose orders are worth repeating."""


def fence() -> int:
    """Return the fence of the try that the calling node belongs to."""
    return int(get_config()["configurable"]["fence"])


def may_search_again(state: RunState) -> bool:
    """Tell whether a tool had failed in an earlier try than this one."""
    return bool(state["failures"]) and "searched_under" in state and fence() > state["searched_under"]


def searched_again() -> RunState:
    """Return what a node adds to the state instead of its result in order to search again."""
    return {"searched_under": fence()}


def send_again(state: RunState) -> list[Send]:
    """Start a researcher for each order whose tool had failed."""
    tools = {TOOL_OF.get(kind) for kind in state["failures"]}
    tenant = state.get("tenant")
    return [Send("researcher", {**order, "tenant": tenant}) for order in state["research"] if order["tool"] in tools]
