"""A real LangGraph graph of the research assistant's shape and node names, with nothing in its nodes.

planner -> two researchers in parallel (Send) -> synthesizer -> critic. A question `KIND in NODE` makes that node raise
RunError(KIND), `KIND under FENCE in NODE` the same up to that fence, `bug in NODE` a ValueError, `wrong in NODE` the
error of a wrong statement, `lost in NODE` (under the first fence only) that of a lost connection, and `block in NODE`
makes it wait for ever.
"""

from __future__ import annotations

import asyncio
import operator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from research_assistant import events
from research_assistant.errors import RunError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from research_assistant.checkpoints import FencedSaver
    from research_assistant.db import Pool
    from research_assistant.settings import Settings
    from research_assistant.worker import Graph


class State(TypedDict, total=False):
    question: str
    part: int
    findings: Annotated[list[str], operator.add]
    answer: str
    citations: list[dict[str, Any]]
    run_class: str


RESULTS: dict[str, Callable[[State], dict[str, Any]]] = {
    "planner": lambda _: {"run_class": "compound"},
    "researcher": lambda state: {"findings": [f"finding {state['part']}"]},
    "synthesizer": lambda state: {"answer": " and ".join(sorted(state["findings"]))},
    "critic": lambda _: {"citations": [{"number": 1, "title": "t", "url": "u", "quote": "q", "source": "web"}]},
}


def _node(name: str, settings: Settings, pool: Pool) -> Any:
    async def body(state: State, config: RunnableConfig) -> dict[str, Any]:
        await events.node_started(pool, config, name)
        await asyncio.sleep(settings.node_pace_seconds)
        what, _, where = state["question"].partition(" in ")
        if where == name:
            await _misbehave(what, config["configurable"]["fence"])
        return RESULTS[name](state)

    return body


async def _misbehave(what: str, fence: int) -> None:
    if what == "bug":
        raise ValueError("a bug")
    if what == "wrong":
        raise psycopg.errors.UndefinedTable("no such table")
    if what == "lost" and fence == 1:
        raise psycopg.OperationalError("server closed the connection unexpectedly")
    if what == "lost":
        return
    if what == "block":
        await asyncio.Event().wait()
    kind, _, last = what.partition(" under ")
    if fence <= int(last or fence):
        raise RunError(kind, f"{kind} on request")


@asynccontextmanager
async def open_graph(settings: Settings, pool: Pool, saver: FencedSaver) -> AsyncIterator[Graph]:
    """Open the tiny graph in place of the research assistant's."""
    graph = StateGraph(State)
    for name in RESULTS:
        graph.add_node(name, _node(name, settings, pool))
    graph.add_edge(START, "planner")
    graph.add_conditional_edges(
        "planner", lambda state: [Send("researcher", {"question": state["question"], "part": part}) for part in (1, 2)]
    )
    graph.add_edge("researcher", "synthesizer")
    graph.add_edge("synthesizer", "critic")
    graph.add_edge("critic", END)
    yield graph.compile(checkpointer=saver)
