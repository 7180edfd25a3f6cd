"""Make the text of an answer from a chat request: look at the task line, do the task, shape and cut the result."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bongsu.local.provider import tokens
from bongsu.local.provider.followup import in_context, question_of
from bongsu.local.provider.plan import plan
from bongsu.local.provider.schema import conform
from bongsu.local.provider.synthesize import UNANSWERED, Passage, extract, synthesize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bongsu.local.provider.requests import ChatRequest, Message

TASK_PREFIX = "TASK:"


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of one answer, why it ended ("stop" or "length"), and its tokens."""

    text: str
    finish_reason: str
    tokens: int


def answer(request: ChatRequest) -> Answer:
    """Return the answer to a chat request; the same request always gets the same answer."""
    value = _do(task(request.messages), _last_user(request.messages))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if request.format == "json_object" and isinstance(value, str):
        text = json.dumps({"answer": value}, ensure_ascii=False)
    elif request.format == "json_schema":
        natural = {"answer": value} if isinstance(value, str) else value
        text = json.dumps(conform(natural, request.schema or {}, text), ensure_ascii=False)
    for stop in request.stop:
        text = text.split(stop, 1)[0]
    short = tokens.truncate(text, request.max_tokens)
    return Answer(short, "stop" if short == text else "length", tokens.count(short))


def task(messages: Sequence[Message]) -> str:
    """Return the task named by the first line of the first system message, or an empty string."""
    system = next((message.text for message in messages if message.role in ("system", "developer")), "")
    first_line = system.split("\n", 1)[0].strip()
    return first_line.removeprefix(TASK_PREFIX).strip() if first_line.startswith(TASK_PREFIX) else ""


def _last_user(messages: Sequence[Message]) -> str:
    return next((message.text for message in reversed(messages) if message.role == "user"), messages[-1].text)


def _do(name: str, content: str) -> Any:
    if name == "plan":
        return {"researchers": plan(question_of(content))}
    if name == "synthesize":
        return _synthesize(content)
    return extract(content)


def _synthesize(content: str) -> str:
    """Answer from passages; a user message of another shape holds no passages, so nothing answers."""
    try:
        given = json.loads(content)
        passages = [
            Passage(int(item["number"]), str(item.get("title") or ""), str(item["text"])) for item in given["passages"]
        ]
        question = in_context(given)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return UNANSWERED
    return synthesize(question, passages)
