from __future__ import annotations

import json

import pytest
from research_assistant.api.forms import parse
from research_assistant.api.problems import Refused
from research_assistant.api.schema import MAX_QUESTION_CHARS, RunOrder


def body(question: object) -> bytes:
    return json.dumps({"question": question}).encode()


@pytest.mark.parametrize("question", ["Why?", "왜?", "x" * MAX_QUESTION_CHARS, "line\nbreak"])
def test_a_question_is_read(question: str) -> None:
    assert parse(RunOrder, body(f"  {question}\n")).question == question


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"{",
        b"question=why",
        b"\xff\xfe",
        b"[" * 60_000,
        b"null",
        b'"why?"',
        b"[]",
        b"{}",
        b'{"question": "why?", "priority": 1}',
        b'{"question": "why?", "priority": "urgent"}',
        b'{"question": "why?", "session_id": "mine"}',
        b'{"question": "why?", "tenant": "b"}',
        body(None),
        body(7),
        body(["why?"]),
        body(""),
        body(" \n"),
        body("x" * (MAX_QUESTION_CHARS + 1)),
        b'{"question": "half \\ud83d a smile"}',
        b'{"question": "nul \\u0000"}',
    ],
    ids=lambda value: repr(value[:30]),
)
def test_anything_else_is_refused_with_422(wrong: bytes) -> None:
    with pytest.raises(Refused) as raised:
        parse(RunOrder, wrong)
    assert raised.value.status_code == 422
