from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from research_assistant.errors import RunError
from research_assistant.nodes.planner import asked, parse

DOCUMENTS = '{"tool": "documents", "query": "lease"}'


def test_a_plan_is_read() -> None:
    text = f'{{"researchers": [{DOCUMENTS}, {{"tool": "web", "query": " two\\n words "}}]}}'
    assert parse(text) == [{"tool": "documents", "query": "lease"}, {"tool": "web", "query": "two words"}]


def test_a_plan_in_a_markdown_fence_is_read() -> None:
    assert parse(f'```json\n{{"researchers": [{DOCUMENTS}]}}\n```') == [{"tool": "documents", "query": "lease"}]


def test_the_same_researcher_twice_is_one() -> None:
    assert parse(f'{{"researchers": [{DOCUMENTS}, {DOCUMENTS}]}}') == [{"tool": "documents", "query": "lease"}]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I would search the documents.",
        "null",
        "[]",
        '"researchers"',
        "{}",
        '{"researchers": []}',
        '{"researchers": "documents"}',
        '{"researchers": [null]}',
        '{"researchers": [{"tool": "shell", "query": "rm"}]}',
        '{"researchers": [{"tool": ["web"], "query": "x"}]}',
        '{"researchers": [{"tool": "web", "query": " "}]}',
        '{"researchers": [{"tool": "web", "query": 7}]}',
        '{"researchers": [{"tool": "web"}]}',
        f'{{"researchers": [{", ".join([DOCUMENTS] * 5)}]}}',
        "[" * 100_000,
        "```",
    ],
)
def test_what_is_not_a_plan_is_an_invalid_answer(text: str) -> None:
    with pytest.raises(RunError) as raised:
        parse(text)
    assert raised.value.kind == "llm_invalid"


@given(st.text(max_size=60))
def test_no_text_at_all_breaks_the_reader(text: str) -> None:
    with pytest.raises(RunError):
        parse(text)


def test_the_model_gets_the_turns_before_a_question_and_a_first_question_alone() -> None:
    assert asked({"question": "Why?"}) == asked({"question": "Why?", "history": []}) == "Why?"
    told = json.loads(asked({"question": "Why?", "history": [{"question": "What?", "answer": "That."}]}))
    assert told == {"question": "Why?", "earlier": [{"question": "What?", "answer": "That."}]}
