"""The graph: planner -> researchers in parallel -> synthesizer -> critic.

No RetryPolicy: the one retry is in llm.py. LangGraph's default would repeat a 401 three times and a node three times on
top of it (research measured nine upstream calls for one 503).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

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
    graph.add_edge("synthesizer", "critic")
    graph.add_edge("critic", END)
    return graph.compile(checkpointer=checkpointer)


def send_researchers(state: RunState) -> list[Send]:
    """Start one researcher for each order of the plan, for the tenant of the run."""
    return [Send("researcher", {**order, "tenant": state.get("tenant")}) for order in state["research"]]
