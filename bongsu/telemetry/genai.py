"""Write the GenAI metrics of OpenTelemetry in the generation that the process was set to."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from bongsu.core import semconv
from bongsu.core.errors import UsageError
from bongsu.telemetry import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bongsu.core.metric import Metric
    from bongsu.telemetry.instruments import Maker


_MOST_REMEMBERED = 4096
"""Sets of attributes whose label values are remembered: making them costs more than counting."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a model: the attributes that stand in each of its metrics and in its span."""

    operation: str
    provider: str = "openai"
    request_model: str = ""
    response_model: str = ""
    server: str = ""
    """The base URL; its host and port are told, nothing else of it."""

    def attributes(self) -> dict[str, Any]:
        """Return the attributes, those that are not known left out."""
        return dict(_attributes(self))


@lru_cache(maxsize=1024)
def _attributes(call: Call) -> dict[str, Any]:
    parts = urlsplit(call.server)
    known = {
        semconv.OPERATION: call.operation,
        semconv.PROVIDER: call.provider,
        semconv.REQUEST_MODEL: call.request_model,
        semconv.RESPONSE_MODEL: call.response_model,
        semconv.SERVER_ADDRESS: parts.hostname or "",
        semconv.SERVER_PORT: parts.port or "",
    }
    return {name: value for name, value in known.items() if value}


class Tokens(NamedTuple):
    """What one call was billed; the last two are part of the first two, None where the provider does not say."""

    given: int
    made: int
    cache_read: int | None = None
    reasoning: int | None = None

    def attributes(self) -> dict[str, int]:
        """Return the attributes of the call's span, which are the same in both generations."""
        names = (semconv.USAGE_INPUT, semconv.USAGE_OUTPUT, semconv.USAGE_CACHE_READ, semconv.USAGE_REASONING)
        return {name: count for name, count in zip(names, self, strict=True) if count is not None}


@dataclass(slots=True)
class GenAi:
    """The instruments of one process, made when they are first written."""

    maker: Maker
    generation: str = semconv.V1_41
    _made: dict[str, Any] = field(default_factory=dict)
    _values: dict[tuple[Any, ...], tuple[str, ...]] = field(default_factory=dict)

    def inferred(self, call: Call, seconds: float, tokens: Tokens | None, error: str = "") -> None:
        """Count one call that took `seconds` and was billed `tokens`; `error` is the kind or ""."""
        attributes = call.attributes()
        timed = attributes | {semconv.ERROR_TYPE: error}
        inference = call.operation in semconv.INFERENCE_OPERATIONS
        if self._writes(semconv.V1_41) or not inference:
            self._observe(semconv.OPERATION_DURATION, timed, seconds)
        if self._writes(semconv.LATEST) and inference:
            self._observe(semconv.INFERENCE_DURATION, timed, seconds)
        if tokens is not None:
            self._count_tokens(attributes, tokens)

    def first_chunk(self, call: Call, seconds: float) -> Callable[[float], None]:
        """Count the first chunk of a streamed answer; return what counts the seconds from one chunk to the next.

        Chunks are many: that one knows its series and looks nothing up.
        """
        attributes = call.attributes()
        written = [pair for generation, pair in semconv.STREAMING.items() if self._writes(generation)]
        for first, _ in written:
            self._observe(first, attributes, seconds)
        each = [self._child(later, attributes) for _, later in written]

        def next_chunk(gap: float) -> None:
            for series in each:
                series.observe(gap)

        return next_chunk

    def workflow(self, name: str, seconds: float, error: str = "") -> None:
        """Count one run of a workflow."""
        self._latest(semconv.WORKFLOW_DURATION, {semconv.WORKFLOW: name, semconv.ERROR_TYPE: error}, seconds)

    def agent(self, name: str, seconds: float, error: str = "") -> None:
        """Count one invocation of an agent."""
        self._latest(semconv.AGENT_DURATION, {semconv.AGENT: name, semconv.ERROR_TYPE: error}, seconds)

    def tool(self, name: str, agent: str, seconds: float, error: str = "") -> None:
        """Count one execution of a tool."""
        attributes = {
            semconv.TOOL: name,
            semconv.TOOL_TYPE: "function",
            semconv.AGENT: agent,
            semconv.ERROR_TYPE: error,
        }
        self._latest(semconv.TOOL_DURATION, attributes, seconds)

    def _count_tokens(self, attributes: Mapping[str, Any], tokens: Tokens) -> None:
        given, made, cache_read, reasoning = tokens
        if self._writes(semconv.V1_41):
            self._observe(semconv.TOKEN_USAGE, {**attributes, semconv.TOKEN_TYPE: "input"}, given)
            self._observe(semconv.TOKEN_USAGE, {**attributes, semconv.TOKEN_TYPE: "output"}, made)
        if self._writes(semconv.LATEST):
            text = {**attributes, semconv.MODALITY: "text"}
            self._child(semconv.INPUT_TOKENS, text).inc(given)
            self._child(semconv.OUTPUT_TOKENS, text).inc(made)
            if cache_read is not None:
                self._child(semconv.CACHE_READ_TOKENS, text).inc(cache_read)
            if reasoning is not None:
                self._child(semconv.REASONING_TOKENS, text).inc(reasoning)
            self._observe(semconv.OPERATION_INPUT_TOKENS, attributes, given)
            self._observe(semconv.OPERATION_OUTPUT_TOKENS, attributes, made)

    def _latest(self, metric: Metric, attributes: Mapping[str, Any], seconds: float) -> None:
        if self._writes(semconv.LATEST):
            self._observe(metric, attributes, seconds)

    def _writes(self, generation: str) -> bool:
        return self.generation in (generation, semconv.DUP)

    def _observe(self, metric: Metric, attributes: Mapping[str, Any], value: float) -> None:
        self._child(metric, attributes).observe(value)

    def _child(self, metric: Metric, attributes: Mapping[str, Any]) -> Any:
        """Return the series of these attributes; one that is not given is an empty label, which is none."""
        key = (metric.name, *attributes.items())
        values = self._values.get(key)
        if values is None:
            if metric.name not in self._made:
                self._made[metric.name] = self.maker.make(metric)
            labels = {semconv.label(name): value for name, value in attributes.items()}
            values = tuple(str(labels.get(name, "")) for name in metric.label_names)
            if len(self._values) < _MOST_REMEMBERED:
                self._values[key] = values
        return self._made[metric.name].labels(*values)


_process = GenAi(metrics.maker)


def setup(generation: str) -> None:
    """Write this generation from now on; raise UsageError for one that there is not."""
    if generation not in semconv.GENERATIONS:
        raise UsageError(
            f"there are no GenAI conventions {generation!r}", next=f"choose one of {', '.join(semconv.GENERATIONS)}"
        )
    _process.generation = generation


inferred, workflow, agent, tool = _process.inferred, _process.workflow, _process.agent, _process.tool
first_chunk = _process.first_chunk
