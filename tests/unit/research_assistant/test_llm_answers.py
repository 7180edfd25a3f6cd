from __future__ import annotations

from typing import Any

import pytest
from openai.types.chat import ChatCompletion
from research_assistant.errors import RunError
from research_assistant.llm import Request, text_of, tokens_of


def completion(**changes: Any) -> ChatCompletion:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    # `construct` is what the client does with a response: it validates nothing.
    return ChatCompletion.construct(**{"id": "x", "choices": [choice], "usage": usage} | changes)


def choice(**changes: Any) -> list[dict[str, Any]]:
    return [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}} | changes]


def test_a_finished_answer_gives_its_text_and_its_tokens() -> None:
    assert text_of(completion()) == "Hello."
    assert tokens_of(completion()) == (12, 3, None, None)


@pytest.mark.parametrize(
    ("read", "thought", "known"),
    [
        ({"cached_tokens": 8}, {"reasoning_tokens": 2}, (8, 2)),
        ({"cached_tokens": 0}, {"reasoning_tokens": 0}, (0, 0)),
        ({"cached_tokens": 13}, {"reasoning_tokens": 4}, (None, None)),  # more than there were
        ({"cached_tokens": -1}, {"reasoning_tokens": [2]}, (None, None)),
        (None, "none", (None, None)),
    ],
)
def test_cached_and_reasoning_tokens_are_read_where_they_can_be_true(
    read: Any, thought: Any, known: tuple[int | None, int | None]
) -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    usage |= {"prompt_tokens_details": read, "completion_tokens_details": thought}
    assert tokens_of(completion(usage=usage)) == (12, 3, *known)


@pytest.mark.parametrize(
    "answer",
    [
        "<html>Bad gateway</html>",
        None,
        completion(choices=[]),
        completion(choices=None),
        completion(choices=choice(finish_reason="length")),
        completion(choices=choice(finish_reason="content_filter")),
        completion(choices=choice(finish_reason=None)),
        completion(choices=choice(message={"role": "assistant", "content": None})),
        completion(choices=choice(message={"role": "assistant", "content": " "})),
        completion(choices=choice(message=None)),
    ],
)
def test_an_answer_that_is_not_whole_is_invalid(answer: Any) -> None:
    with pytest.raises(RunError) as raised:
        text_of(answer)
    assert raised.value.kind == "llm_invalid"


@pytest.mark.parametrize(
    "answer",
    [
        "<html>Bad gateway</html>",
        None,
        completion(usage=None),
        completion(usage={"prompt_tokens": -1, "completion_tokens": 3}),
        completion(usage={"prompt_tokens": "12", "completion_tokens": 3}),
        completion(usage={"prompt_tokens": True, "completion_tokens": 3}),
    ],
)
def test_an_answer_that_does_not_say_what_it_cost_is_invalid(answer: Any) -> None:
    with pytest.raises(RunError) as raised:
        tokens_of(answer)
    assert raised.value.kind == "llm_invalid"


def test_a_request_names_its_task_and_bounds_its_answer() -> None:
    parameters = Request("TASK: plan\n...", "Why?", 600, json=True).parameters("gpt-4o")
    assert parameters["messages"][0] == {"role": "system", "content": "TASK: plan\n..."}
    assert parameters["max_completion_tokens"] == 600
    assert parameters["response_format"] == {"type": "json_object"}
