"""Traces on real processes: one question is one trace, from the request to the calls of the models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bongsu.core.conventions import HTTP_DURATION, METRICS, RUN_DURATION
from tests.real.support.assistant import CORPUS, Assistant, running_assistant
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


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Assistant, Path]]:
    file = tmp_path_factory.mktemp("traces") / "spans.jsonl"
    with running_assistant(CORPUS / "articles", RESEARCH_ASSISTANT_TRACES=f"file:{file}") as started:
        yield started, file


def spans_of(file: Path, trace: str) -> list[dict[str, Any]]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [span for span in map(json.loads, lines) if span["trace_id"] == trace]


def finished_trace(assistant: Assistant, file: Path, run_id: str, trace: str) -> list[dict[str, Any]]:
    def whole() -> list[dict[str, Any]]:
        assistant.http("GET", f"/v1/runs/{run_id}")
        found = spans_of(file, trace)
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


def test_a_question_is_one_trace_from_the_caller_to_the_model(traced: tuple[Assistant, Path]) -> None:
    assistant, file = traced
    run_id = assistant.submit(COMPOUND, traceparent=CALLER).json["id"]
    spans = finished_trace(assistant, file, run_id, CALLER_TRACE)
    chats = [ancestors(spans, span) for span in spans if span["name"].startswith("chat ")]
    assert list(CHAIN) in chats
    assert {"invoke_agent researcher", "invoke_agent synthesizer", "invoke_agent critic"} <= {s["name"] for s in spans}
    assert {"execute_tool documents", "execute_tool web", "search searxng"} <= {s["name"] for s in spans}
    assert any(span["name"].startswith("retrieval chunks-") for span in spans)
    root = next(span for span in spans if span["name"] == "POST /v1/runs")
    assert root["parent_span_id"] == "00f067aa0ba902b7"
    assert {span["service"] for span in spans} == {"research-assistant-api", "research-assistant-worker"}
    text = json.dumps(spans)
    assert "fencing token" not in text
    assert assistant.key not in text


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
    traced: tuple[Assistant, Path],
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


def test_latency_histograms_point_at_traces(traced: tuple[Assistant, Path]) -> None:
    assistant, file = traced
    assistant.ask(COMPOUND)
    port = assistant.processes["worker"].args[-1]  # type: ignore[index]
    of_worker = exemplars(assistant, f"http://127.0.0.1:{port}/metrics")
    written = {metric.name for metric in METRICS if metric.kind == "histogram" and metric.unit == "s"}
    assert written - set(of_worker) == {HTTP_DURATION.name}
    named = {of_worker[RUN_DURATION.name], exemplars(assistant, "/metrics")[HTTP_DURATION.name]}
    until(lambda: all(spans_of(file, trace) for trace in named), "the traces that exemplars name")
