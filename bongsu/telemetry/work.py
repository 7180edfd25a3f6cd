"""Watch a piece of an agent system's work: its span, its metrics, the GenAI metrics and its log line, in one block.

The text of a line is always the same and what differs are fields: that is what a search filters by, and a text that
was found clean once is not redacted again.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind

from bongsu.core import semconv
from bongsu.telemetry import context, genai, metrics, traces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.trace import Span

log = logging.getLogger(__name__)

NODE = "node"
"""The field of the context that names the agent at work."""


@contextmanager
def agent(name: str) -> Iterator[Span]:
    """Watch one invocation of an agent (a node of the graph)."""
    running = metrics.nodes_running.labels(name)
    error = ""
    attributes = {semconv.OPERATION: semconv.INVOKE_AGENT, semconv.AGENT: name}
    with context.bound(node=name), traces.span(f"{semconv.INVOKE_AGENT} {name}", attributes) as span:
        started = time.perf_counter()
        running.inc()
        log.debug("node started")
        try:
            yield span
        except BaseException as raised:  # a cancellation counts as well; it is raised again
            error = type(raised).__qualname__
            raise
        finally:
            seconds = time.perf_counter() - started
            running.dec()
            metrics.node_duration.labels(name, _outcome(error)).observe(seconds)
            genai.agent(name, seconds, error)
            log.info("node ended", extra=_ended(seconds, error))


@contextmanager
def tool(name: str) -> Iterator[Tool]:
    """Watch one call of a tool; `Tool.failed` notes a failure that the caller survives."""
    found = Tool()
    agent_name = context.fields().get(NODE, "")
    attributes = {
        semconv.OPERATION: semconv.EXECUTE_TOOL,
        semconv.TOOL: name,
        semconv.TOOL_TYPE: "function",
        semconv.AGENT: agent_name,
    }
    with traces.span(f"{semconv.EXECUTE_TOOL} {name}", attributes) as span:
        started = time.perf_counter()
        try:
            yield found
        except BaseException as raised:  # a cancellation counts as well; it is raised again
            found.error = type(raised).__qualname__
            raise
        finally:
            seconds = time.perf_counter() - started
            if found.error:
                span.set_attribute(semconv.ERROR_TYPE, found.error)
            metrics.tool_calls.labels(name, _outcome(found.error)).inc()
            metrics.tool_duration.labels(name).observe(seconds)
            genai.tool(name, agent_name, seconds, found.error)


class Tool:
    """What became of a call of a tool: `error` is the kind of failure, "" for none."""

    error = ""

    def failed(self, kind: str) -> None:
        """Note that the call failed although nothing is raised."""
        self.error = kind


@contextmanager
def model(call: genai.Call) -> Iterator[Model]:
    """Watch one call of a model: its span and its GenAI metrics; the caller tells what it was billed."""
    found = Model()
    error = ""
    with traces.span(f"{call.operation} {call.request_model}", call.attributes(), kind=SpanKind.CLIENT) as span:
        started = time.perf_counter()
        try:
            yield found
        except BaseException as raised:  # a cancellation counts as well; it is raised again
            error = type(raised).__qualname__
            raise
        finally:
            if found.tokens:
                span.set_attributes(found.tokens.attributes())
            seconds = time.perf_counter() - started
            genai.inferred(call, seconds, found.tokens, error)
            called(call.operation, call.provider, seconds, error, model=call.request_model)


class Model:
    """What a call of a model was billed, None while unknown."""

    tokens: genai.Tokens | None = None

    def billed(self, tokens: genai.Tokens) -> None:
        """Note the tokens, and count them for the agent at work."""
        self.tokens = tokens
        metrics.context_tokens.labels(semconv.CHAT).observe(tokens.given)
        if name := context.fields().get(NODE):
            metrics.agent_tokens.labels(name, "input").inc(tokens.given)
            metrics.agent_tokens.labels(name, "output").inc(tokens.made)


def called(operation: str, provider: str, seconds: float, error: str, **more: str) -> None:
    """Log a call of another system that took `seconds`; `error` is the kind of failure, "" for none."""
    fields = {"operation": operation, "provider": provider, **more, **_ended(seconds, error)}
    log.log(logging.WARNING if error else logging.INFO, "call ended", extra=fields)


def _ended(seconds: float, error: str) -> dict[str, object]:
    """Return the fields of a line that says how something ended."""
    told = {"outcome": _outcome(error), "seconds": round(seconds, 4)}
    return {**told, "kind": error} if error else told


def _outcome(error: str) -> str:
    return "error" if error else "ok"
