"""Answers on real processes: they cite what is stored, no more and no longer, whatever else is down."""

from __future__ import annotations

import html
import json
import re
import secrets
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from research_assistant import golden
from research_assistant.citations import normalised

from tests.real.support.assistant import SCRIPT
from tests.real.support.stand_ins import ROOT
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.real.support.assistant import Assistant
    from tests.real.support.stand_ins import Running


def check_citations(assistant: Assistant, run: Any, at_least: int) -> set[str]:
    """Fetch every cited source, find the quote in it, and return the stems of the cited documents."""
    assert run["state"] == "done", run["error"]
    citations = run["citations"]
    assert [citation["number"] for citation in citations] == list(range(1, len(citations) + 1))
    assert len(citations) >= at_least
    stems = set()
    for citation in citations:
        own = citation["source"] == "documents"
        reply = assistant.http("GET", citation["url"], key=None)  # as a browser follows the link
        assert reply.status == 200
        text = html.unescape(re.sub(r"<[^>]+>", " ", reply.body.decode()))
        assert normalised(citation["quote"]) in normalised(text)
        assert f"[{citation['number']}]" in run["answer"]
        if own:
            assert assistant.http("GET", citation["url"], key=None, Accept="application/json").status == 401
            described = assistant.http("GET", citation["url"], Accept="application/json").json
            stems.add(described["source"].rsplit("/", 1)[-1].removesuffix(".md"))
    return stems


@pytest.mark.parametrize("asked", golden.load(), ids=lambda asked: asked.question[:40])
def test_each_golden_question_is_answered_from_its_sources(assistant: Assistant, asked: golden.Golden) -> None:
    run = assistant.ask(asked.question)
    stems = check_citations(assistant, run, at_least=1)
    assert set(asked.sources) <= stems
    assert all(word.casefold() in run["answer"].casefold() for word in asked.words)
    assert run["class"] == asked.kind


def test_documents_and_the_web_are_cited_in_one_answer(assistant: Assistant) -> None:
    run = assistant.ask("What is an error budget, and what do on-call engineers hand over at the end of a shift?")
    check_citations(assistant, run, at_least=2)
    assert {citation["source"] for citation in run["citations"]} == {"documents", "web"}


def test_the_probe_and_ask_agree_that_the_system_answers(assistant: Assistant) -> None:
    probed = assistant.call("probe")
    assert json.loads(probed.stdout)["ok"] is True
    asked = assistant.call("ask", golden.load()[0].question)
    assert re.search(r"^\[1\] .+\n    http://", asked.stdout, re.MULTILINE)


def test_a_question_that_nothing_answers_fails_for_its_citations(assistant: Assistant) -> None:
    asked = assistant.call("ask", "Wie backt man Pfannkuchen?", check=False)
    assert asked.returncode == 1
    assert asked.stdout.startswith("failed (citations)")


def test_a_document_is_answered_from_when_it_is_there_and_not_afterwards(assistant: Assistant, tmp_path: Path) -> None:
    first, second = secrets.token_hex(8), secrets.token_hex(8)
    file = tmp_path / "vault.md"
    question = "What is the launch code of the lighthouse in Busan?"

    file.write_text(f"# Lighthouse\n\nThe launch code of the lighthouse in Busan is {first}.\n", encoding="utf-8")
    (tmp_path / "other.txt").write_text("Another text about nothing.", encoding="utf-8")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG")
    taken = assistant.call("ingest", str(tmp_path)).stdout
    assert f"2 changed (2 chunks); 0 unchanged; 1 skipped ({tmp_path}/photo.png)" in taken
    document_id = re.search(r"added .*vault\.md: (\S+),", taken)[1]  # type: ignore[index]  # fails the test when absent
    run = assistant.ask(question)
    assert first in run["answer"]
    assert f"/v1/documents/{document_id}" in run["citations"][0]["url"]
    assert first in run["citations"][0]["quote"]

    file.write_text(f"# Lighthouse\n\nThe launch code of the lighthouse in Busan is {second}.\n", encoding="utf-8")
    taken = assistant.call("ingest", str(tmp_path)).stdout
    assert f"replaced {file}: {document_id}, 1 chunks" in taken
    assert "1 changed (1 chunks); 1 unchanged" in taken
    answer = assistant.ask(question)["answer"]
    assert second in answer
    assert first not in answer

    assistant.call("documents", "delete", document_id)
    assert second not in (assistant.ask(question)["answer"] or "")
    assert assistant.http("GET", f"/v1/documents/{document_id}").status == 404


def test_an_unreadable_file_is_named_and_stops_no_other(assistant: Assistant, tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"caf\xe9")
    (tmp_path / "good.md").write_text("A good file about nothing much.", encoding="utf-8")
    done = assistant.call("ingest", str(tmp_path), check=False)
    assert done.returncode == 1
    assert f"{tmp_path}/bad.md: not UTF-8 (byte 3)" in done.stderr
    assert f"added {tmp_path}/good.md" in done.stdout


def test_without_chroma_words_alone_answer_and_a_new_index_is_rebuilt(assistant: Assistant, tmp_path: Path) -> None:
    token = secrets.token_hex(8)
    file = tmp_path / "mill.md"
    file.write_text(f"The password of the windmill in Jeju is {token}.", encoding="utf-8")
    assistant.chroma.stop()
    try:
        taken = assistant.call("ingest", str(file), check=False)
        assert taken.returncode == 3
        assert "index roll-forward" in taken.stderr
        assert assistant.http("GET", "/readyz", key=None).status == 200
        assert token in assistant.ask("What is the password of the windmill in Jeju?")["answer"]
        shutil.rmtree(assistant.chroma.data)
    finally:
        assistant.chroma.start()
    chunks = [int(line.split("\t")[1]) for line in assistant.call("documents", "list").stdout.splitlines()]
    applied = re.search(r"index: (\d+) changes", assistant.call("index", "roll-forward").stdout)
    assert applied is not None
    assert int(applied[1]) >= sum(chunks)
    assert "index: 0 changes" in assistant.call("index", "roll-forward").stdout
    assert token in assistant.ask("What is the password of the windmill in Jeju?")["answer"]


def calls(provider: Running, assistant: Assistant) -> float:
    rows = assistant.http("GET", f"{provider.url}/metrics", key=None).body.decode().splitlines()
    name = 'local_provider_requests_total{operation="chat",status="200"}'
    return next(float(row.rsplit(" ", 1)[1]) for row in rows if row.startswith(name))


def test_a_switch_of_the_provider_counts_at_once_for_a_running_worker(assistant: Assistant) -> None:
    before = calls(assistant.primary, assistant), calls(assistant.secondary, assistant)
    assert assistant.call("provider", "switch", "secondary").stdout == "secondary\n"
    try:
        assert assistant.call("provider", "show").stdout == "secondary\n"
        assert assistant.ask("What is a lease?")["state"] == "done"
        assert (calls(assistant.primary, assistant), calls(assistant.secondary, assistant)) == (
            before[0],
            before[1] + 2,
        )
    finally:
        assistant.call("provider", "switch", "primary")
    assert assistant.ask("What is a lease?")["state"] == "done"
    assert calls(assistant.primary, assistant) == before[0] + 2


def test_traffic_prints_one_line_for_each_run_and_stops_at_once(assistant: Assistant) -> None:
    done = assistant.call("traffic", "--rate", "5", "--seconds", "2")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 10
    assert all(line["ok"] and line["state"] == "done" and line["citations"] for line in lines)
    assert len({line["id"] for line in lines}) == 10

    argv = [str(SCRIPT), "traffic", "--rate", "2"]
    endless = subprocess.Popen(argv, env=assistant.env, stdout=subprocess.PIPE, cwd=ROOT)
    assert endless.stdout is not None
    assert json.loads(endless.stdout.readline())["ok"]
    endless.send_signal(signal.SIGTERM)
    assert endless.wait(3) == 0
    endless.stdout.close()


def test_traffic_without_an_api_says_that_nothing_was_sent(assistant: Assistant) -> None:
    nowhere = assistant.env | {"RESEARCH_ASSISTANT_API_URL": "http://127.0.0.1:1"}
    argv = [str(SCRIPT), "traffic", "--rate", "4", "--seconds", "0.5"]
    done = subprocess.run(argv, env=nowhere, capture_output=True, text=True, cwd=ROOT, timeout=60, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["state"] for line in lines] == ["not_sent", "not_sent"]


def test_the_worker_leaves_no_trace_of_questions_or_keys_in_its_log(assistant: Assistant) -> None:
    question = f"What is a lease {secrets.token_hex(8)}?"
    assistant.ask(question)
    until(lambda: '"message": "done"' in assistant.log("worker"), "the worker logs")
    logged = assistant.log("worker") + assistant.log("api")
    assert question not in logged
    assert assistant.key not in logged
