from __future__ import annotations

import pytest
from research_assistant import golden
from research_assistant.ask import render
from research_assistant.client import poll_pause
from research_assistant.traffic import line
from research_assistant.verdict import holds

DONE = {
    "id": "7",
    "state": "done",
    "answer": "So it is. [1]",
    "citations": [{"number": 1, "title": "Page", "url": "http://x/1", "quote": "So it is.", "source": "web"}],
    "error": None,
}
FAILED = {
    "id": "8",
    "state": "failed",
    "answer": None,
    "citations": [],
    "error": {"kind": "llm_server", "detail": "500"},
}


def test_an_answer_is_shown_with_its_numbered_sources() -> None:
    assert render(DONE) == "So it is. [1]\n\n[1] Page\n    http://x/1"


def test_a_failed_run_says_why() -> None:
    assert render(FAILED) == "failed (llm_server): 500\nrun 8"


def test_a_line_of_traffic_counts_a_run_as_ok_only_with_citations() -> None:
    assert line("7", DONE, 1.23456) == {
        "id": "7",
        "ok": True,
        "state": "done",
        "error_kind": None,
        "seconds": 1.235,
        "citations": 1,
    }
    assert line("7", DONE | {"citations": []}, 1.0)["ok"] is False
    assert (line("8", FAILED, 1.0)["ok"], line("8", FAILED, 1.0)["error_kind"]) == (False, "llm_server")
    assert line(None, {"state": "not_sent"}, 0.0)["ok"] is False


@pytest.mark.parametrize(
    "text", ["Before. It  is\nso, always. After.", "> It is so,\n> always.", "- It is so,\n  *always*."]
)
def test_a_quote_is_found_whatever_the_source_is_written_in(text: str) -> None:
    assert holds(text, "It is so, always.")


@pytest.mark.parametrize("quote", ["It was so, always.", "", " "])
def test_a_quote_that_is_not_there_is_not_found(quote: str) -> None:
    assert not holds("It is so, always.", quote)


def test_the_golden_questions_name_sources_that_exist() -> None:
    articles = {path.stem for path in (golden.FILE.parent / "articles").glob("*.md")}
    questions = golden.load()
    assert {source for question in questions for source in question.sources} <= articles
    assert questions[0].kind == "simple"


def test_polls_begin_quick_and_become_rare() -> None:
    assert [round(poll_pause(age), 3) for age in (0, 0.1, 0.3, 1, 5, 20, 60)] == [
        0.05,
        0.07,
        0.21,
        0.25,
        0.25,
        1.0,
        2.0,
    ]
