"""Traces on real processes: one question is one trace, from the request to the calls of the models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from bongsu.core.conventions import HTTP_DURATION, METRICS, RUN_DURATION
from tests.real.support.assistant import CORPUS, Assistant, running_assistant
from tests.real.support.otlp import Collector, collector
from tests.real.support.waiting import until

CALLER_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{CALLER_TRACE}-00f067aa0ba902b7-01"
COMPOUND = "How does a fencing token stop a zombie worker, and how does an idempotency key stop a duplicate run?"
CHAIN = (
    "POST /v1/runs",
    "send runs",
    "process runs",
    "invoke_workflow research-assistant",
    "invoke_agent planner",
    "chat gpt-4o",
)
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


LEAVES = {
    "search searxng": [*CHAIN[:4], "invoke_agent researcher", "execute_tool web"],
    "retrieval": [*CHAIN[:4], "invoke_agent researcher", "execute_tool documents"],
}

Traced = tuple[Assistant, Collector]


@pytest.fixture(scope="module")
def traced() -> Iterator[Traced]:
    with collector() as to, running_assistant(CORPUS / "articles", RESEARCH_ASSISTANT_TRACES=f"otlp:{to.url}") as made:
        yield made, to


def finished_trace(traced: Traced, run_id: str, trace: str) -> list[dict[str, Any]]:
    assistant, to = traced

    def whole() -> list[dict[str, Any]]:
        assistant.http("GET", f"/v1/runs/{run_id}")
        found = to.spans_of(trace)
        names = {span["name"] for span in found}
        return found if {"process runs", "POST /v1/runs"} <= names else []

    return until(whole, "a whole trace")


def ancestors(spans: list[dict[str, Any]], leaf: dict[str, Any]) -> list[str]:
    by_id = {span["span_id"]: span for span in spans}
    names = [leaf["name"]]
    while leaf["parent_span_id"] in by_id:
        leaf = by_id[leaf["parent_span_id"]]
        names.insert(0, leaf["name"])
    return names


def misplaced(spans: list[dict[str, Any]]) -> list[list[str]]:
    """Return the ways to the calls of the outside world that do not lead from the request through the agents."""
    ways = [ancestors(spans, span) for span in spans]
    wrong = [way for way in ways if way[0] != CHAIN[0]]
    for way in ways:
        expected = next((above for name, above in LEAVES.items() if way[-1].startswith(name)), way[:-1])
        wrong += [way] if way[:-1] != expected else []
    return wrong


def test_a_question_is_one_trace_from_the_caller_to_the_model_at_a_collector(traced: Traced) -> None:
    assistant, to = traced
    run_id = assistant.submit(COMPOUND, traceparent=CALLER).json["id"]
    spans = finished_trace(traced, run_id, CALLER_TRACE)
    names = {span["name"] for span in spans}
    assert list(CHAIN) in [ancestors(spans, span) for span in spans if span["name"].startswith("chat ")]
    assert {"invoke_agent researcher", "invoke_agent synthesizer", "invoke_agent critic"} <= names
    assert {"execute_tool documents", "execute_tool web", "search searxng"} <= names
    assert any(name.startswith("retrieval chunks-") for name in names)
    assert misplaced(spans) == []
    assert misplaced([span for span in spans if span["name"] != "process runs"])  # without one, what is below is lost
    chat = next(span for span in spans if span["name"].startswith("chat "))
    assert {f"gen_ai.usage.{kind}_tokens" for kind in ("input", "cache_read.input", "reasoning.output")} < set(
        chat["attributes"]
    )
    root = next(span for span in spans if span["name"] == "POST /v1/runs")
    assert root["parent_span_id"] == "00f067aa0ba902b7"
    assert {span["service"] for span in spans} == {"research-assistant-api", "research-assistant-worker"}
    assert b"fencing token" not in to.received
    assert assistant.key.encode() not in to.received


LINES = {
    "api": {"queued interactive", "answered POST /v1/runs 202"},
    "worker": {
        "claimed",
        *(f"node ended {node} ok" for node in ("planner", "researcher", "synthesizer", "critic")),
        "call ended chat openai primary ok",
        "call ended retrieval chroma ok",
        "call ended search searxng ok",
        "done",
    },
}
"""What a run writes at INFO: the text of each line, and what its fields say."""
TOLD = {
    "queued": ("priority",),
    "answered": ("method", "route", "status"),
    "node ended": ("node", "outcome"),
    "call ended": ("operation", "provider", "endpoint", "outcome"),
}


def told(line: dict[str, Any]) -> str:
    said = (line["message"], *(line.get(name) for name in TOLD.get(line["message"], ())))
    return " ".join(str(each) for each in said if each is not None)


def test_what_a_run_did_stands_in_log_lines_that_name_its_trace_its_tenant_and_the_run(
    traced: Traced,
) -> None:
    assistant, _ = traced
    trace = "0af7651916cd43dd8448eb211c80319c"

    def lines(process: str) -> list[dict[str, Any]]:
        read = [json.loads(line) for line in assistant.log(process).splitlines() if line.startswith("{")]
        return [line for line in read if line.get("trace_id") == trace]

    run_id = assistant.submit(COMPOUND, traceparent=f"00-{trace}-b7ad6b7169203331-01").json["id"]
    until(lambda: any(line["message"] == "done" for line in lines("worker")), "the run ends")
    written = {process: lines(process) for process in LINES}
    assert {process: {told(line) for line in found} for process, found in written.items()} == LINES
    for line in (*written["api"], *written["worker"]):
        assert (line["tenant"], line["level"]) == ("test", "INFO")
        assert line.get("run_id") == (None if line["message"] == "answered" else run_id)
        assert line.get("seconds", 0) >= 0
        assert ("seconds" in line) == (line["message"] not in {"queued", "claimed"})
        assert line.get("question_chars") == (len(COMPOUND) if line["message"] == "queued" else None)
    assert "fencing" not in json.dumps(written)


def exemplars(assistant: Assistant, url: str) -> dict[str, str]:
    """Return the trace that each histogram behind `url` names."""
    text = assistant.http("GET", url, key=None, Accept=OPENMETRICS).body.decode()
    return dict(re.findall(r'^(bongsu_\w+)_bucket\{.*?# \{.*?trace_id="([0-9a-f]{32})"', text, re.MULTILINE))


def test_latency_histograms_point_at_traces(traced: Traced) -> None:
    assistant, to = traced
    assistant.ask(COMPOUND)
    port: str = assistant.processes["worker"].args[-1]  # type: ignore[index,assignment]  # Popen.args is any of many
    of_worker = exemplars(assistant, f"http://127.0.0.1:{port}/metrics")
    written = {metric.name for metric in METRICS if metric.kind == "histogram" and metric.unit == "s"}
    assert written - set(of_worker) == {HTTP_DURATION.name}
    named = {of_worker[RUN_DURATION.name], exemplars(assistant, "/metrics")[HTTP_DURATION.name]}
    until(lambda: all(to.spans_of(trace) for trace in named), "the traces that exemplars name")
