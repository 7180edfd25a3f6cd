from __future__ import annotations

import json

import pytest
from research_assistant.api.app import MAX_QUESTION_CHARS, parse_question
from research_assistant.api.problems import Refused


def body(question: object) -> bytes:
    return json.dumps({"question": question}).encode()


@pytest.mark.parametrize("question", ["Why?", "왜?", "x" * MAX_QUESTION_CHARS, "line\nbreak"])
def test_a_question_is_read(question: str) -> None:
    assert parse_question(body(f"  {question}\n")) == question


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
        parse_question(wrong)
    assert raised.value.status_code == 422
