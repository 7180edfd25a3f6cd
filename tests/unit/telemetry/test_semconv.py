"""The GenAI metrics that are written, held against the pinned table of the conventions in both generations.

The table is typed from research/agents.md 2 and from nowhere else; it is compared with what a scrape shows after calls
were counted, and nothing of the compiler or of core/semconv.py is imported.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bongsu.core.errors import UsageError
from bongsu.telemetry import genai
from bongsu.telemetry.instruments import Maker

D = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68]
TOKENS: list[float] = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864]
WORKFLOW: list[float] = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200]
AGENT = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6]
CALL = {
    "gen_ai_operation_name",
    "gen_ai_provider_name",
    "gen_ai_request_model",
    "gen_ai_response_model",
    "server_address",
    "server_port",
}
Row = tuple[str, list[float], set[str]]
V1_41: dict[str, Row] = {
    "gen_ai_client_operation_duration_seconds": ("histogram", D, CALL | {"error_type"}),
    "gen_ai_client_token_usage": ("histogram", TOKENS, CALL | {"gen_ai_token_type"}),
    "gen_ai_client_operation_time_to_first_chunk_seconds": ("histogram", D, CALL),
    "gen_ai_client_operation_time_per_output_chunk_seconds": ("histogram", D, CALL),
}
LATEST: dict[str, Row] = {
    "gen_ai_client_operation_duration_seconds": ("histogram", D, CALL | {"error_type"}),  # embeddings, retrieval
    "gen_ai_client_inference_duration_seconds": ("histogram", D, CALL | {"error_type"}),
    "gen_ai_client_inference_usage_input_tokens": ("counter", [], CALL | {"gen_ai_token_modality"}),
    "gen_ai_client_inference_usage_output_tokens": ("counter", [], CALL | {"gen_ai_token_modality"}),
    "gen_ai_client_inference_usage_cache_read_input_tokens": ("counter", [], CALL | {"gen_ai_token_modality"}),
    "gen_ai_client_inference_usage_reasoning_output_tokens": ("counter", [], CALL | {"gen_ai_token_modality"}),
    "gen_ai_client_inference_time_to_first_chunk_seconds": ("histogram", D, CALL),
    "gen_ai_client_inference_time_per_output_chunk_seconds": ("histogram", D, CALL),
    "gen_ai_client_inference_operation_input_tokens": ("histogram", TOKENS, CALL),
    "gen_ai_client_inference_operation_output_tokens": ("histogram", TOKENS, CALL),
    "gen_ai_invoke_workflow_duration_seconds": ("histogram", WORKFLOW, {"gen_ai_workflow_name", "error_type"}),
    "gen_ai_invoke_agent_duration_seconds": (
        "histogram",
        AGENT,
        {"gen_ai_agent_name", "gen_ai_request_model", "error_type"},
    ),
    "gen_ai_execute_tool_duration_seconds": (
        "histogram",
        D,
        {"gen_ai_tool_name", "gen_ai_tool_type", "gen_ai_agent_name", "error_type"},
    ),
}
TABLES = {"v1.41": V1_41, "latest": LATEST, "dup": V1_41 | LATEST}


def written(generation: str) -> CollectorRegistry:
    """Count what a run does: calls that succeed and fail, a streamed one, a retrieval, a tool, an agent, a workflow."""
    registry = CollectorRegistry()
    ai = genai.GenAi(Maker(registry), generation)
    chat = genai.Call("chat", "openai", "gpt-4o", "gpt-4o-2024-11-20", "https://llm.example:8443/v1?key=x")
    for number in range(200):
        tokens = genai.Tokens(17 * number, number, 16 * number if number % 2 else None, number // 2)
        ai.inferred(chat, 0.013 * number, tokens, "" if number % 5 else "RateLimitError")
    next_chunk = ai.first_chunk(chat, 0.7)
    for gap in (0.03, 0.05):
        next_chunk(gap)
    ai.inferred(genai.Call("embeddings", "openai", "hash"), 0.2, None)
    ai.inferred(genai.Call("retrieval", "chroma", "chunks"), 0.1, None)
    ai.tool("web", "researcher", 0.4)
    ai.agent("researcher", 0.9, "TimeoutError")
    ai.workflow("research-assistant", 12.0)
    return registry


def shown(registry: CollectorRegistry) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        if not family.name.startswith("gen_ai_") or family.name.endswith("_created"):
            continue
        bounds = {float(s.labels["le"]) for s in family.samples if "le" in s.labels} - {float("inf")}
        labels = {name for sample in family.samples for name in sample.labels} - {"le"}
        rows[family.name] = (family.type, sorted(bounds), labels)
    return rows


@pytest.mark.parametrize("generation", TABLES)
def test_what_is_written_is_the_pinned_table(generation: str) -> None:
    assert shown(written(generation)) == TABLES[generation]


def test_attributes_hold_what_the_conventions_say() -> None:
    registry = written("latest")
    (sample,) = [
        s
        for family in registry.collect()
        for s in family.samples
        if s.name == "gen_ai_client_inference_usage_input_tokens_total"
    ]
    assert sample.labels == {
        "gen_ai_operation_name": "chat",
        "gen_ai_provider_name": "openai",
        "gen_ai_request_model": "gpt-4o",
        "gen_ai_response_model": "gpt-4o-2024-11-20",
        "server_address": "llm.example",
        "server_port": "8443",
        "gen_ai_token_modality": "text",
    }


def total(registry: CollectorRegistry, name: str, **labels: str) -> float:
    return sum(
        sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def test_both_generations_agree_within_a_thousandth() -> None:
    registry = written("dup")
    chat = {"gen_ai_operation_name": "chat"}
    pairs = [
        (
            total(registry, f"gen_ai_client_operation_duration_seconds_{part}", **chat),
            total(registry, f"gen_ai_client_inference_duration_seconds_{part}", **chat),
        )
        for part in ("count", "sum")
    ]
    for what in ("time_to_first_chunk", "time_per_output_chunk"):
        pairs += [
            (
                total(registry, f"gen_ai_client_operation_{what}_seconds_{part}"),
                total(registry, f"gen_ai_client_inference_{what}_seconds_{part}"),
            )
            for part in ("count", "sum")
        ]
    for direction in ("input", "output"):
        old = total(registry, "gen_ai_client_token_usage_sum", gen_ai_token_type=direction)
        pairs.append((old, total(registry, f"gen_ai_client_inference_usage_{direction}_tokens_total")))
        pairs.append((old, total(registry, f"gen_ai_client_inference_operation_{direction}_tokens_sum")))
    assert all(old > 0 for old, _ in pairs)
    assert all(abs(new - old) <= 0.001 * old for old, new in pairs)


def test_cached_and_reasoning_tokens_are_counted_where_the_provider_tells_them() -> None:
    registry, usage = written("latest"), "gen_ai_client_inference_usage"
    assert total(registry, f"{usage}_cache_read_input_tokens_total") == 16 * sum(range(1, 200, 2))
    assert total(registry, f"{usage}_reasoning_output_tokens_total") == sum(number // 2 for number in range(200))
    assert total(registry, "gen_ai_client_inference_time_per_output_chunk_seconds_count") == 2


def test_the_span_of_a_call_names_each_kind_of_tokens_that_was_told() -> None:
    assert genai.Tokens(10, 4, 8, 0).attributes() == {
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.usage.cache_read.input_tokens": 8,
        "gen_ai.usage.reasoning.output_tokens": 0,
    }
    assert set(genai.Tokens(10, 4).attributes()) == {"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"}


def test_a_table_that_differs_in_one_bucket_one_label_or_one_name_is_told_apart() -> None:
    rows = shown(written("latest"))
    name = "gen_ai_execute_tool_duration_seconds"
    kind, bounds, labels = rows[name]
    for planted in ((kind, bounds[:-1], labels), (kind, bounds, labels | {"x"}), ("counter", bounds, labels)):
        assert rows | {name: planted} != LATEST


def test_an_unknown_generation_is_refused() -> None:
    with pytest.raises(UsageError, match=r"v1\.99"):
        genai.setup("v1.99")


def test_the_table_is_read_without_the_compiler() -> None:
    code = (
        "import sys; import bongsu.telemetry.genai; print(sorted(m for m in sys.modules if m.startswith('bongsu.slo')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
