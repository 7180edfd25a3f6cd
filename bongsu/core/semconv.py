"""OpenTelemetry's GenAI conventions in both generations: names, units, buckets and attributes as data.

`v1.41` is the last in open-telemetry/semantic-conventions; `latest` is open-telemetry/semantic-conventions-genai, which
renames inference and replaces token usage. The boundaries are the advised ones, with two more on top of those that end
at 81.92 s: a p99 above the last bound cannot be read (openshift/lightspeed PR #3019 met that).
Source: https://github.com/open-telemetry/semantic-conventions-genai, its migration guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.metric import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator

V1_41, LATEST, DUP = "v1.41", "latest", "dup"
GENERATIONS = (V1_41, LATEST, DUP)

DURATION_BUCKETS = (
    *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
    *(163.84, 327.68),
)
WORKFLOW_BUCKETS = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
AGENT_BUCKETS = tuple(round(0.1 * 2**power, 1) for power in range(13))
TOKEN_BUCKETS = tuple(4.0**power for power in range(14))

OPERATION, PROVIDER = "gen_ai.operation.name", "gen_ai.provider.name"
REQUEST_MODEL, RESPONSE_MODEL = "gen_ai.request.model", "gen_ai.response.model"
SERVER_ADDRESS, SERVER_PORT, ERROR_TYPE = "server.address", "server.port", "error.type"
TOKEN_TYPE, MODALITY = "gen_ai.token.type", "gen_ai.token.modality"
WORKFLOW, AGENT, TOOL, TOOL_TYPE = "gen_ai.workflow.name", "gen_ai.agent.name", "gen_ai.tool.name", "gen_ai.tool.type"
CONVERSATION, DATA_SOURCE = "gen_ai.conversation.id", "gen_ai.data_source.id"

USAGE_INPUT, USAGE_OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
USAGE_CACHE_READ, USAGE_REASONING = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.reasoning.output_tokens"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"

CHAT, EMBEDDINGS, RETRIEVAL = "chat", "embeddings", "retrieval"
INVOKE_AGENT, INVOKE_WORKFLOW, EXECUTE_TOOL = "invoke_agent", "invoke_workflow", "execute_tool"
INFERENCE_OPERATIONS = (CHAT, "generate_content", "text_completion")
"""Operations that `latest` measures as inference; all others keep the name of v1.41."""

_CALL = (OPERATION, PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, SERVER_ADDRESS, SERVER_PORT)
_UNITS = {"s": "seconds"}
"""What the Prometheus exporter appends; units in braces vanish."""


def prometheus_name(name: str, kind: str, unit: str) -> str:
    """Return the name of an OpenTelemetry metric in Prometheus, as the Python exporter spells it."""
    parts = [name.replace(".", "_"), _UNITS.get(unit, ""), "total" if kind == "counter" else ""]
    return "_".join(part for part in parts if part)


def label(attribute: str) -> str:
    """Return the label of an attribute in Prometheus."""
    return attribute.replace(".", "_")


def _metric(  # noqa: PLR0917 - one argument a column of the table
    name: str, kind: str, unit: str, text: str, attributes: tuple[str, ...], buckets: tuple[float, ...]
) -> Metric:
    labels = tuple((label(attribute), ()) for attribute in attributes)
    return Metric(prometheus_name(name, kind, unit), kind, text, unit, labels, buckets)


OPERATION_DURATION = _metric(
    "gen_ai.client.operation.duration",
    "histogram",
    "s",
    "Time of one GenAI operation of a client.",
    (*_CALL, ERROR_TYPE),
    DURATION_BUCKETS,
)
TOKEN_USAGE = _metric(
    "gen_ai.client.token.usage",
    "histogram",
    "{token}",
    "Billed tokens of one operation.",
    (*_CALL, TOKEN_TYPE),
    TOKEN_BUCKETS,
)
INFERENCE_DURATION = _metric(
    "gen_ai.client.inference.duration",
    "histogram",
    "s",
    "Time of one inference of a client.",
    (*_CALL, ERROR_TYPE),
    DURATION_BUCKETS,
)
INPUT_TOKENS = _metric(
    "gen_ai.client.inference.usage.input_tokens",
    "counter",
    "{token}",
    "Billed input tokens.",
    (*_CALL, MODALITY),
    (),
)
OUTPUT_TOKENS = _metric(
    "gen_ai.client.inference.usage.output_tokens",
    "counter",
    "{token}",
    "Billed output tokens.",
    (*_CALL, MODALITY),
    (),
)
CACHE_READ_TOKENS = _metric(
    "gen_ai.client.inference.usage.cache_read.input_tokens",
    "counter",
    "{token}",
    "Input tokens that the provider read from its cache; part of the billed ones.",
    (*_CALL, MODALITY),
    (),
)
REASONING_TOKENS = _metric(
    "gen_ai.client.inference.usage.reasoning.output_tokens",
    "counter",
    "{token}",
    "Output tokens that the model thought with; part of the billed ones.",
    (*_CALL, MODALITY),
    (),
)
OPERATION_INPUT_TOKENS = _metric(
    "gen_ai.client.inference.operation.input_tokens",
    "histogram",
    "{token}",
    "Input tokens of one inference.",
    _CALL,
    TOKEN_BUCKETS,
)
OPERATION_OUTPUT_TOKENS = _metric(
    "gen_ai.client.inference.operation.output_tokens",
    "histogram",
    "{token}",
    "Output tokens of one inference.",
    _CALL,
    TOKEN_BUCKETS,
)
_FIRST = "Time from the request to the first chunk of a streamed answer."
_EACH = "Time from one chunk of a streamed answer to the next."
STREAMING = {
    generation: (
        _metric(f"gen_ai.client.{what}.time_to_first_chunk", "histogram", "s", _FIRST, _CALL, DURATION_BUCKETS),
        _metric(f"gen_ai.client.{what}.time_per_output_chunk", "histogram", "s", _EACH, _CALL, DURATION_BUCKETS),
    )
    for generation, what in ((V1_41, "operation"), (LATEST, "inference"))
}
"""By generation: the metric of the first chunk and that of each later one."""
WORKFLOW_DURATION = _metric(
    "gen_ai.invoke_workflow.duration",
    "histogram",
    "s",
    "Time of one run of a workflow.",
    (WORKFLOW, ERROR_TYPE),
    WORKFLOW_BUCKETS,
)
AGENT_DURATION = _metric(
    "gen_ai.invoke_agent.duration",
    "histogram",
    "s",
    "Time of one invocation of an agent.",
    (AGENT, REQUEST_MODEL, ERROR_TYPE),
    AGENT_BUCKETS,
)
TOOL_DURATION = _metric(
    "gen_ai.execute_tool.duration",
    "histogram",
    "s",
    "Time of one execution of a tool.",
    (TOOL, TOOL_TYPE, AGENT, ERROR_TYPE),
    DURATION_BUCKETS,
)

_OF = {
    V1_41: (OPERATION_DURATION, TOKEN_USAGE, *STREAMING[V1_41]),
    LATEST: (
        OPERATION_DURATION,  # embeddings, retrieval: everything that is no inference
        INFERENCE_DURATION,
        INPUT_TOKENS,
        OUTPUT_TOKENS,
        CACHE_READ_TOKENS,
        REASONING_TOKENS,
        OPERATION_INPUT_TOKENS,
        OPERATION_OUTPUT_TOKENS,
        WORKFLOW_DURATION,
        AGENT_DURATION,
        TOOL_DURATION,
        *STREAMING[LATEST],
    ),
}


def metrics_of(generation: str) -> tuple[Metric, ...]:
    """Return the metrics that a generation writes; `dup` writes those of both."""
    return tuple(dict.fromkeys(_all(generation)))


def _all(generation: str) -> Iterator[Metric]:
    for each in (V1_41, LATEST) if generation == DUP else (generation,):
        yield from _OF[each]
