from __future__ import annotations

from typing import Any

import pytest

from bongsu.local.provider.errors import RefusedError
from bongsu.local.provider.requests import parse_chat, parse_embeddings

USER = {"role": "user", "content": "hello"}


def refusal(body: dict[str, Any], *, embeddings: bool = False) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        (parse_embeddings if embeddings else parse_chat)(body)
    return caught.value


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"messages": [USER]}, 400, None, None),
        ({"model": "gpt-9", "messages": [USER]}, 404, "model_not_found", None),
        ({"model": "text-embedding-3-small", "messages": [USER]}, 404, None, "model"),
        ({"model": "gpt-4o"}, 400, "missing_required_parameter", "messages"),
        ({"model": "gpt-4o", "messages": []}, 400, "empty_array", "messages"),
        ({"model": "gpt-4o", "messages": "hi"}, 400, "invalid_type", "messages"),
        ({"model": "gpt-4o", "messages": [{"role": "king", "content": "x"}]}, 400, "invalid_value", "messages[0].role"),
        ({"model": "gpt-4o", "messages": [{"role": "user"}]}, 400, "missing_required_parameter", "messages[0].content"),
        ({"model": "gpt-4o", "messages": [USER], "temprature": 1}, 400, "unknown_parameter", "temprature"),
        ({"model": "gpt-4o", "messages": [USER], "stream": "yes"}, 400, "invalid_type", "stream"),
        ({"model": "gpt-4o", "messages": [USER], "max_tokens": 0}, 400, "integer_below_min_value", "max_tokens"),
        ({"model": "gpt-4o", "messages": [USER], "max_tokens": 99_999}, 400, "invalid_value", "max_tokens"),
        ({"model": "gpt-4o", "messages": [USER], "n": 99}, 400, "integer_above_max_value", "n"),
        ({"model": "gpt-4o", "messages": [USER], "tools": [{}]}, 400, "unsupported_value", "tools"),
        ({"model": "gpt-4o", "messages": [USER], "response_format": {"type": "json_object"}}, 400, None, "messages"),
        (
            {"model": "gpt-4o", "messages": [USER], "response_format": {"type": "xml"}},
            400,
            "invalid_value",
            "response_format.type",
        ),
        (
            {"model": "gpt-4o", "messages": [USER], "response_format": {"type": "json_schema"}},
            400,
            "missing_required_parameter",
            "response_format.json_schema",
        ),
    ],
)
def test_a_wrong_chat_request_is_refused_as_openai_refuses_it(
    body: dict[str, Any], status: int, code: str | None, param: str | None
) -> None:
    error = refusal(body)
    assert (error.status, error.code, error.param) == (status, code, param)


def test_a_prompt_longer_than_the_context_window_is_refused() -> None:
    error = refusal({"model": "gpt-4o", "messages": [{"role": "user", "content": "word " * 130_000}]})
    assert (error.status, error.code, error.param) == (400, "context_length_exceeded", "messages")
    assert "maximum context length is 128000 tokens" in error.what


def test_the_room_for_the_answer_counts_against_the_context_window() -> None:
    long = {"role": "user", "content": "word " * 127_000}
    assert parse_chat({"model": "gpt-4o", "messages": [long]}).max_tokens < 1000
    assert refusal({"model": "gpt-4o", "messages": [long], "max_tokens": 2000}).code == "context_length_exceeded"


def test_text_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    request = parse_chat({"model": "gpt-4o", "messages": [{"role": "user", "content": parts}]})
    assert request.messages[0].text == "a\nb"


@pytest.mark.parametrize("value", ["", [], [""], [1, "a"], {"a": 1}, ["x"] * 2049])
def test_an_input_that_cannot_be_embedded_is_refused(value: object) -> None:
    assert refusal({"model": "text-embedding-3-small", "input": value}, embeddings=True).status == 400


def test_more_dimensions_than_the_model_has_are_refused() -> None:
    body = {"model": "text-embedding-3-small", "input": "x", "dimensions": 1537}
    assert refusal(body, embeddings=True).code == "integer_above_max_value"


def test_embeddings_have_1024_dimensions_unless_asked_otherwise() -> None:
    assert parse_embeddings({"model": "text-embedding-3-small", "input": "x"}).dimensions == 1024
    assert parse_embeddings({"model": "text-embedding-3-small", "input": "x", "dimensions": 8}).dimensions == 8
