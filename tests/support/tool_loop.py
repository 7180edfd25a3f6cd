"""A LangGraph application that is nothing like ours: a model and a tool in a loop, and a person who must agree.

Runs as a program too: `python tool_loop.py PORT` wraps the graph in one line, plays a few runs and serves /metrics
until its standard input ends.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, interrupt

import bongsu.telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "travel-agent"
SECRET = "my card is 4111 1111 1111 1111"


@tool
def book(hotel: str) -> str:
    """Book a room."""
    if hotel == "full":
        raise ValueError("no room left")
    return f"booked {hotel}"


def replies(*hotels: str) -> Iterator[AIMessage]:
    for number, hotel in enumerate(hotels):
        call = {"name": "book", "args": {"hotel": hotel}, "id": str(number)}
        yield AIMessage("", tool_calls=[call], usage_metadata=usage(40, 8))
    yield AIMessage("booked and done", usage_metadata=usage(60, 4))


def usage(given: int, made: int) -> Any:
    details = {"input_token_details": {"cache_read": 30}, "output_token_details": {"reasoning": 2}}
    return {"input_tokens": given, "output_tokens": made, "total_tokens": given + made, **details}


def build(*hotels: str) -> Any:
    """Return the compiled graph; the model asks for these hotels, one after the other."""
    model = GenericFakeChatModel(messages=replies(*hotels))

    async def assistant(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    def approve(state: MessagesState) -> dict[str, Any]:
        if not interrupt(f"book {len(state['messages'])}?"):
            raise PermissionError("the person said no")
        return {}

    graph = StateGraph(MessagesState)
    graph.add_node("assistant", assistant)
    graph.add_node("approve", approve)
    graph.add_node("tools", ToolNode([book], handle_tool_errors=True))
    graph.add_edge(START, "assistant")
    graph.add_conditional_edges("assistant", lambda state: "approve" if state["messages"][-1].tool_calls else END)
    graph.add_edge("approve", "tools")
    graph.add_edge("tools", "assistant")
    return graph.compile(checkpointer=InMemorySaver(), name=NAME)


async def play(graph: Any, thread: str, answers: list[bool]) -> dict[str, Any]:
    """Ask, then answer each question to the person; return the final state."""
    config = {"configurable": {"thread_id": thread}}
    state = await graph.ainvoke({"messages": [("user", SECRET)]}, config)
    for answer in answers:
        state = await graph.ainvoke(Command(resume=answer), config)
    return dict(state)


async def stream(graph: Any) -> int:
    """Ask, and read the answer as it comes; return in how many chunks it came."""
    config = {"configurable": {"thread_id": "streamed"}}
    asked = {"messages": [("user", SECRET)]}
    return len([chunk async for chunk in graph.astream(asked, config, stream_mode="messages")])


async def runs(port: int | None = None) -> None:
    """Play a run with a good and a failing call, one streamed, one that a person stops, one that waits for a person."""
    good = bongsu.telemetry.instrument(build("ritz", "full"), metrics_port=port, semconv="dup")
    await play(good, "good", [True, True])
    print("chunks", await stream(bongsu.telemetry.instrument(build(), semconv="dup")))
    try:
        await play(bongsu.telemetry.instrument(build("ritz")), "refused", [False])
    except PermissionError:
        await play(bongsu.telemetry.instrument(build("ritz")), "waiting", [])


if __name__ == "__main__":
    asyncio.run(runs(int(sys.argv[1])))
    print("ready", flush=True)
    sys.stdin.read()
