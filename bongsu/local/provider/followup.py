"""Understand a question that follows others: what it leaves out stands in the one before it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from bongsu.local.text import terms, words

if TYPE_CHECKING:
    from collections.abc import Mapping

FEW_TERMS = 3
_REFERS_BACK = frozenset(
    (
        "it",
        "its",
        "they",
        "them",
        "their",
        "this",
        "that",
        "these",
        "those",
        "그것",
        "그건",
        "그걸",
        "그게",
        "이것",
        "이건",
    )
)
_END = re.compile(r"[\s?!.\u3002\uff1f]+$")


def question_of(content: str) -> str:
    """Return the question of a planning request: the whole message, or that of `{"question", "earlier"}` in context."""
    try:
        given = json.loads(content)
    except (ValueError, RecursionError):
        return content
    if not isinstance(given, dict) or not isinstance(given.get("question"), str) or "earlier" not in given:
        return content
    return in_context(given)


def in_context(given: Mapping[str, Any]) -> str:
    """Return the question, with the one before it in front when it has few terms of its own or refers back."""
    question = str(given["question"])
    earlier = given.get("earlier")
    turn = earlier[-1] if isinstance(earlier, list) and earlier else None
    last = turn.get("question") if isinstance(turn, dict) else None
    leans = len(terms(question)) < FEW_TERMS or not _REFERS_BACK.isdisjoint(words(question))
    return f"{_END.sub('', last)} {question}" if leans and isinstance(last, str) else question
