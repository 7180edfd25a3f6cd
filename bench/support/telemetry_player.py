"""Play runs of one graph under one telemetry and print the CPU they took: `python telemetry_player.py SETUP URL RUNS`.

A program of its own, because each telemetry needs its own interpreter: it imports LangGraph, and of the rest only what
its SETUP names. The graph is planner, three researchers at once with a tool each, synthesizer, critic; the model is
fake and instant. What is printed: `{"setup", "cpu_ms", "runs"}`, the export of all spans and metrics included.
"""

from __future__ import annotations

import asyncio
import json
import operator
import os
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = "A fencing token is a number that grows with every claim, so that a stale worker cannot write. " * 6
WARM_UP, AT_ONCE = 20, 10


class State(TypedDict, total=False):
    """What travels: like that of a research assistant."""

    question: str
    topics: list[str]
    found: Annotated[list[str], operator.add]
    draft: str
    answer: str


class Order(TypedDict):
    """What one researcher is told."""

    topic: str


@tool
def search(query: str) -> str:
    """Search the documents."""
    return f"{query}: {TEXT}"


def build() -> Any:
    """Return the compiled graph."""

    def model() -> GenericFakeChatModel:
        usage: Any = {"input_tokens": 200, "output_tokens": 90, "total_tokens": 290}
        return GenericFakeChatModel(messages=iter([AIMessage(TEXT, usage_metadata=usage)]))

    async def planner(state: State) -> State:
        await model().ainvoke(state["question"])
        return {"topics": ["a", "b", "c"]}

    async def researcher(order: Order) -> State:
        return {"found": [await search.ainvoke({"query": order["topic"]})]}

    async def synthesizer(state: State) -> State:
        reply = await model().ainvoke("\n".join(state["found"]))
        return {"draft": str(reply.content)}

    async def critic(state: State) -> State:
        return {"answer": state["draft"]}

    graph = StateGraph(State)
    for node in (planner, researcher, synthesizer, critic):
        graph.add_node(node.__name__, node)  # type: ignore[call-overload]  # the library's overloads know no union
    graph.add_edge(START, "planner")
    graph.add_conditional_edges(
        "planner", lambda s: [Send("researcher", {"topic": t}) for t in s["topics"]], ["researcher"]
    )
    graph.add_edge("researcher", "synthesizer")
    graph.add_edge("synthesizer", "critic")
    graph.add_edge("critic", END)
    return graph.compile(name="bench")


def bare(graph: Any, _: str) -> tuple[Any, Callable[[], object]]:
    """No telemetry."""
    return graph, lambda: None


def bongsu(graph: Any, url: str) -> tuple[Any, Callable[[], object]]:
    """Metrics, every trace sampled and redacted, exported by OTLP/HTTP."""
    from bongsu.telemetry import genai, traces  # noqa: PLC0415 - only this setup has it
    from bongsu.telemetry.graphs import Watcher  # noqa: PLC0415

    genai.setup("v1.41")
    end = traces.setup("bench", f"otlp:{url}/v1/traces")
    return graph.with_config(callbacks=[Watcher("bench")]), end


def openllmetry(graph: Any, url: str) -> tuple[Any, Callable[[], object]]:
    """OpenLLMetry by its SDK, as it comes."""
    os.environ["TRACELOOP_TELEMETRY"] = "false"
    from opentelemetry import trace  # noqa: PLC0415
    from traceloop.sdk import Traceloop  # noqa: PLC0415

    Traceloop.init(app_name="bench", api_endpoint=url, api_key="local", telemetry_enabled=False)
    return graph, lambda: trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]  # the SDK's


def openlit(graph: Any, url: str) -> tuple[Any, Callable[[], object]]:
    """OpenLIT, as it comes."""
    import openlit  # type: ignore[import-not-found]  # noqa: PLC0415
    from opentelemetry import trace  # noqa: PLC0415

    openlit.init(application_name="bench", otlp_endpoint=url)
    return graph, lambda: trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]  # the SDK's


def langfuse(graph: Any, url: str) -> tuple[Any, Callable[[], object]]:
    """Langfuse by its callback handler, as its documentation shows."""
    from langfuse import Langfuse  # type: ignore[import-not-found]  # noqa: PLC0415
    from langfuse.langchain import CallbackHandler  # type: ignore[import-not-found]  # noqa: PLC0415

    client = Langfuse(public_key="pk-lf-bench", secret_key="sk-lf-bench", base_url=url)  # noqa: S106 - the sink checks none
    return graph.with_config(callbacks=[CallbackHandler()]), client.flush


SETUPS = {made.__name__: made for made in (bare, bongsu, openllmetry, openlit, langfuse)}


async def play(graph: Any, runs: int) -> None:
    """Run the graph, AT_ONCE at a time; fail when a run has no answer."""
    for start in range(0, runs, AT_ONCE):
        some = (graph.ainvoke({"question": f"what is a fence? {n}"}) for n in range(start, min(start + AT_ONCE, runs)))
        for state in await asyncio.gather(*some):
            if state["answer"] != TEXT:
                raise RuntimeError("the run has no answer")


def main(setup: str, url: str, runs: int) -> None:
    """Play and print."""
    graph, flush = SETUPS[setup](build(), url)
    asyncio.run(play(graph, WARM_UP))
    started = time.process_time()
    asyncio.run(play(graph, runs))
    flush()
    spent = time.process_time() - started
    print(json.dumps({"setup": setup, "cpu_ms": spent / runs * 1000, "runs": runs}), flush=True)
    os._exit(0)  # some SDKs wait for their collectors at exit


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
