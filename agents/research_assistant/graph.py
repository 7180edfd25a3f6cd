"""The graph: planner -> researchers in parallel -> synthesizer -> critic; a later try may search again.

No RetryPolicy: the one retry is in llm.py. LangGraph's default would repeat a 401 three times and a node three times on
top of it (research measured nine upstream calls for one 503).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from research_assistant.nodes.again import send_again
from research_assistant.nodes.critic import criticize
from research_assistant.nodes.observe import observed
from research_assistant.nodes.planner import plan
from research_assistant.nodes.researcher import research
from research_assistant.nodes.synthesizer import synthesize
from research_assistant.state import RunState

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

    from research_assistant.services import Services


def build_graph(
    services: Services, checkpointer: BaseCheckpointSaver[Any] | None
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the compiled graph.

    Input {"question", "tenant", "history"} (sessions.given);
    config {"configurable": {"thread_id", "run_id", "fence", "worker"}}; the final state holds
    answer, citations and run_class. A classified failure leaves it as RunError.
    """
    graph = StateGraph(RunState)
    for name, node in (
        ("planner", plan),
        ("researcher", research),
        ("synthesizer", synthesize),
        ("critic", criticize),
    ):
        graph.add_node(name, observed(name, services, node))
    graph.add_edge(START, "planner")
    graph.add_conditional_edges("planner", send_researchers, ["researcher"])
    graph.add_edge("researcher", "synthesizer")
    graph.add_conditional_edges("synthesizer", after_synthesis, ["critic", "researcher"])
    graph.add_conditional_edges("critic", after_check, [END, "researcher"])
    return graph.compile(checkpointer=checkpointer)


def after_synthesis(state: RunState) -> str | list[Send]:
    """Check the draft, or search again when there was nothing to write it from."""
    return "critic" if "draft" in state else send_again(state)


def after_check(state: RunState) -> str | list[Send]:
    """End with the answer, or search again when nothing of the draft was supported."""
    return END if "answer" in state else send_again(state)


def send_researchers(state: RunState) -> list[Send]:
    """Start one researcher for each order of the plan, for the tenant of the run."""
    return [Send("researcher", {**order, "tenant": state.get("tenant")}) for order in state["research"]]
