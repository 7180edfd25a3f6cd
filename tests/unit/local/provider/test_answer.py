from __future__ import annotations

import json
from typing import Any

from bongsu.local.provider.answer import answer
from bongsu.local.provider.requests import parse_chat
from bongsu.local.provider.synthesize import UNANSWERED


def ask(system: str, user: str, **more: Any) -> str:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return answer(parse_chat({"model": "gpt-4o", "messages": messages, **more})).text


def test_the_first_line_of_the_system_message_names_the_task() -> None:
    plan = json.loads(ask("TASK: plan\nAnswer in JSON.", "What is an SLO?"))
    assert plan == {"researchers": [{"tool": "documents", "query": "What is an SLO"}]}


def test_a_task_named_anywhere_else_is_no_task() -> None:
    assert "researchers" not in ask("You help.\nTASK: plan", "TASK: plan\nWhat is an SLO good for?")


def test_a_synthesis_without_passages_in_its_message_is_unanswered() -> None:
    for content in ("not json", "[]", '{"question": "q"}', '{"question": "q", "passages": [{"text": "t"}]}'):
        assert ask("TASK: synthesize", content) == UNANSWERED


def test_json_object_wraps_prose_in_an_object() -> None:
    answered = json.loads(ask("Reply in JSON.", "Budgets cap retries.", response_format={"type": "json_object"}))
    assert answered == {"answer": "Budgets cap retries."}


def test_json_schema_shapes_the_plan() -> None:
    schema = {
        "type": "object",
        "properties": {
            "researchers": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"query": {"type": "string"}, "priority": {"type": "integer", "minimum": 1}},
                    "required": ["query", "priority"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["researchers"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "plan", "schema": schema}}
    answered = json.loads(ask("TASK: plan", "What is an SLO?", response_format=form))
    assert answered == {"researchers": [{"query": "What is an SLO", "priority": 1}]}


def test_an_answer_longer_than_allowed_ends_with_length() -> None:
    messages = [{"role": "user", "content": "Budgets cap retries at a share of all the traffic."}]
    cut = answer(parse_chat({"model": "gpt-4o", "messages": messages, "max_completion_tokens": 3}))
    assert (cut.text, cut.finish_reason, cut.tokens) == ("Budgets cap", "length", 3)


def test_a_stop_sequence_ends_the_answer() -> None:
    assert ask("Help.", "Budgets cap retries.", stop=[" cap"]) == "Budgets"
