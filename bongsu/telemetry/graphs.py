"""Watch any compiled LangGraph graph from outside, by LangChain's callbacks: nothing of the graph is changed.

Names of nodes, tools and models are learnt while the graph runs and pass the cardinality guard. Inputs, outputs and
messages are never read; of errors only the type is.
"""

from __future__ import annotations

import atexit
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.callbacks import BaseCallbackHandler
from langgraph.errors import GraphBubbleUp, GraphInterrupt
from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.trace import SpanKind, StatusCode

from bongsu.core import semconv as conventions
from bongsu.telemetry import genai, metrics, traces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from langchain_core.outputs import LLMResult
    from langchain_core.runnables import Runnable
    from opentelemetry.trace import Span

Graph = TypeVar("Graph", bound="Runnable[Any, Any]")

NODE_TAG = "graph:step:"
_UNNAMED = "LangGraph"


def instrument(
    graph: Graph, name: str, metrics_port: int | None, *, traces: str, trace_ratio: float, semconv: str
) -> Graph:
    """Return the graph with a watcher among its callbacks; see bongsu.telemetry.instrument."""
    named = name or graph.get_name()
    genai.setup(semconv)
    if traces:
        atexit.register(_traces_setup(named, traces, trace_ratio))
    if metrics_port is not None:
        metrics.serve(metrics_port)
    watcher = Watcher(named)
    watcher.start_series([node for node in getattr(graph, "nodes", {}) if not node.startswith("__")])
    return graph.with_config(callbacks=[watcher])  # type: ignore[return-value]  # a graph stays a graph


_traces_setup = traces.setup


@dataclass(slots=True)
class Piece:
    """A run, node, tool or model call at work; a chain in between stands for the piece it belongs to."""

    kind: str
    name: str
    span: Span
    started: float
    root: Piece | None = None
    members: list[UUID] = field(default_factory=list)
    """Of a root: everything that was started under it, so that nothing of a run that died stays behind."""
    node: str = ""
    call: genai.Call | None = None
    paused: bool = False
    chunk_at: float = 0.0
    next_chunk: Callable[[float], None] | None = None
    """Of a call whose answer is streamed: when the last chunk came, and what counts the next one."""

    def seconds(self) -> float:
        """Return the time since the start."""
        return time.perf_counter() - self.started


class Watcher(BaseCallbackHandler):
    """Turn the callbacks of one graph into metrics and spans; one instance serves all runs at once."""

    run_inline = True  # in the task of the node: an executor would cost more than the work here

    def __init__(self, name: str) -> None:
        self._name = name
        self._pieces: dict[UUID, tuple[Piece, bool]] = {}

    def start_series(self, nodes: list[str]) -> None:
        """Create at 0 the series whose label values the graph tells beforehand."""
        metrics.run_duration.labels(self._name)
        for node in nodes:
            metrics.nodes_running.labels(node)
            for outcome in ("ok", "error"):
                metrics.node_duration.labels(node, outcome)

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,  # noqa: ARG002 - LangChain's signature
        inputs: Any,  # noqa: ARG002 - what users wrote is not read
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **named: Any,
    ) -> None:
        """Open a run or a node; any other chain belongs to the piece around it."""
        parent = self._piece(parent_run_id)
        if parent is None:
            attributes = {
                conventions.OPERATION: conventions.INVOKE_WORKFLOW,
                conventions.WORKFLOW: self._name,
                conventions.CONVERSATION: str((metadata or {}).get("thread_id", "")),
            }
            span = traces.start(f"{conventions.INVOKE_WORKFLOW} {self._name}", attributes)
            self._pieces[run_id] = (Piece("run", self._name, span, time.perf_counter()), True)
        elif any(tag.startswith(NODE_TAG) for tag in tags or ()):
            name = str(named.get("name") or (metadata or {}).get("langgraph_node"))
            self._open("node", name, run_id, parent, _agent_attributes(name), node=name)
            metrics.nodes_running.labels(name).inc()
        else:
            self._pieces[run_id] = (parent, False)
            _root(parent).members.append(run_id)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **_: Any) -> None:  # noqa: ARG002 - LangChain's signature
        """Close a run or a node that ended well."""
        self._close(run_id)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """Close a run or a node that failed; one that asks a person has not failed."""
        self._close(run_id, error)

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,  # noqa: ARG002 - what users wrote is not read
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **named: Any,
    ) -> None:
        """Open a call of a tool."""
        parent = self._piece(parent_run_id)
        if parent is not None:
            name = str((serialized or {}).get("name") or named.get("name") or "tool")
            attributes = {
                conventions.OPERATION: conventions.EXECUTE_TOOL,
                conventions.TOOL: name,
                conventions.TOOL_TYPE: "function",
                conventions.AGENT: parent.node,
            }
            self._open("tool", name, run_id, parent, attributes, node=parent.node)

    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        """Close a call of a tool; a ToolNode turns errors into messages of status `error`."""
        failed = getattr(output, "status", None) == "error"
        self._close(run_id, kind="ToolError" if failed else "")

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """Close a call of a tool that raised."""
        self._close(run_id, error)

    def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,  # noqa: ARG002 - LangChain's signature
        messages: Any,  # noqa: ARG002 - what users wrote is not read
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **named: Any,
    ) -> None:
        """Open a call of a chat model."""
        self._model_start(conventions.CHAT, run_id, parent_run_id, metadata or {}, named)

    def on_llm_start(
        self,
        serialized: dict[str, Any] | None,  # noqa: ARG002 - LangChain's signature
        prompts: list[str],  # noqa: ARG002 - what users wrote is not read
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **named: Any,
    ) -> None:
        """Open a call of a completion model."""
        self._model_start("text_completion", run_id, parent_run_id, metadata or {}, named)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **_: Any) -> None:  # noqa: ARG002 - text is not read
        """Time a chunk of a streamed answer: the first from the request, the others from the one before."""
        piece = self._piece(run_id)
        if piece is None or piece.call is None:
            return
        now, before = time.perf_counter(), piece.chunk_at
        piece.chunk_at = now
        if piece.next_chunk is not None:
            piece.next_chunk(now - before)
            return
        seconds = now - piece.started
        piece.span.set_attribute(conventions.FIRST_CHUNK, seconds)
        with _current(piece.span):
            piece.next_chunk = genai.first_chunk(piece.call, seconds)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        """Close a call of a model and count its tokens."""
        self._close(run_id, tokens=_tokens(response))

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """Close a call of a model that failed."""
        self._close(run_id, error)

    def _model_start(
        self, operation: str, run_id: UUID, parent_run_id: UUID | None, metadata: dict[str, Any], named: dict[str, Any]
    ) -> None:
        parent = self._piece(parent_run_id)
        if parent is None:
            return
        given = named.get("invocation_params") or {}
        model = (
            metadata.get("ls_model_name") or given.get("model") or given.get("model_name") or given.get("_type") or ""
        )
        call = genai.Call(operation, str(metadata.get("ls_provider") or "unknown"), str(model))
        self._open("model", str(model), run_id, parent, call.attributes(), node=parent.node, call=call)

    def _open(
        self,
        kind: str,
        name: str,
        run_id: UUID,
        parent: Piece,
        attributes: dict[str, Any],
        *,
        node: str,
        call: genai.Call | None = None,
    ) -> None:
        span = traces.start(
            f"{attributes[conventions.OPERATION]} {name}",
            attributes,
            kind=SpanKind.CLIENT if call else SpanKind.INTERNAL,
            under=parent.span,
        )
        piece = Piece(kind, name, span, time.perf_counter(), _root(parent), node=node, call=call)
        self._pieces[run_id] = (piece, True)
        _root(parent).members.append(run_id)

    def _close(
        self,
        run_id: UUID,
        error: BaseException | None = None,
        *,
        kind: str = "",
        tokens: genai.Tokens | None = None,
    ) -> None:
        piece, own = self._pieces.pop(run_id, (None, False))
        if piece is None or not own:
            return
        if isinstance(error, GraphInterrupt) and piece.kind == "node":
            _root(piece).paused = True
            metrics.interrupts.labels(piece.name).inc()
        if error is not None and not isinstance(error, GraphBubbleUp):  # how LangGraph itself changes the course
            kind = type(error).__qualname__
        if kind:
            piece.span.set_attribute(conventions.ERROR_TYPE, kind)
            piece.span.set_status(StatusCode.ERROR)
        seconds = piece.seconds()
        token = attach(trace.set_span_in_context(piece.span))  # exemplars name it; a block would cost as much as this
        _COUNT[piece.kind](piece, seconds, kind, tokens)
        detach(token)
        piece.span.end()
        for member in piece.members:  # what never told its end, such as a task that was dropped
            self._close(member, kind="Abandoned")

    def _piece(self, run_id: UUID | None) -> Piece | None:
        found = self._pieces.get(run_id) if run_id else None
        return found[0] if found else None


@contextmanager
def _current(span: Span) -> Iterator[None]:
    """Make a span the current one for the time of the block, so that exemplars name it."""
    token = attach(trace.set_span_in_context(span))
    try:
        yield
    finally:
        detach(token)


def _root(piece: Piece) -> Piece:
    return piece.root or piece


def _agent_attributes(name: str) -> dict[str, Any]:
    return {conventions.OPERATION: conventions.INVOKE_AGENT, conventions.AGENT: name}


def _count_run(piece: Piece, seconds: float, kind: str, _: genai.Tokens | None) -> None:
    """Count a run; one that stopped to ask a person is counted when it is resumed and ends."""
    genai.workflow(piece.name, seconds, kind)
    if piece.paused and not kind:
        return
    metrics.events.labels("run", "bad" if kind else "good").inc()
    if kind:
        metrics.errors.labels("unhandled").inc()
    else:
        metrics.run_duration.labels(piece.name).observe(seconds)


def _count_node(piece: Piece, seconds: float, kind: str, _: genai.Tokens | None) -> None:
    metrics.nodes_running.labels(piece.name).dec()
    metrics.node_duration.labels(piece.name, "error" if kind else "ok").observe(seconds)
    genai.agent(piece.name, seconds, kind)


def _count_tool(piece: Piece, seconds: float, kind: str, _: genai.Tokens | None) -> None:
    metrics.tool_calls.labels(piece.name, "error" if kind else "ok").inc()
    metrics.tool_duration.labels(piece.name).observe(seconds)
    genai.tool(piece.name, piece.node, seconds, kind)


def _count_model(piece: Piece, seconds: float, kind: str, tokens: genai.Tokens | None) -> None:
    call = piece.call
    if call is None:
        return
    endpoint = call.provider
    metrics.llm_calls.labels(endpoint, conventions.CHAT, "error" if kind else "ok").inc()
    metrics.llm_duration.labels(endpoint, conventions.CHAT).observe(seconds)
    if tokens:
        metrics.context_tokens.labels(conventions.CHAT).observe(tokens.given)
        for direction, count in (("input", tokens.given), ("output", tokens.made)):
            metrics.llm_tokens.labels(endpoint, direction).inc(count)
            metrics.agent_tokens.labels(piece.node, direction).inc(count)
        piece.span.set_attributes(tokens.attributes())
    genai.inferred(call, seconds, tokens, kind)


_COUNT: dict[str, Callable[[Piece, float, str, genai.Tokens | None], None]] = {
    "run": _count_run,
    "node": _count_node,
    "tool": _count_tool,
    "model": _count_model,
}


def _tokens(response: LLMResult) -> genai.Tokens | None:
    """Return the billed tokens, None when the model did not say."""
    try:
        usage = getattr(response.generations[0][0], "message", None)
        found = getattr(usage, "usage_metadata", None) or {}
        read = (found.get("input_token_details") or {}).get("cache_read")
        thought = (found.get("output_token_details") or {}).get("reasoning")
        return genai.Tokens(int(found["input_tokens"]), int(found["output_tokens"]), read, thought)
    except (IndexError, KeyError, TypeError, ValueError):
        return None
