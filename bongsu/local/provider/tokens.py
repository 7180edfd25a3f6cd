"""Count tokens by a stable rule, and cut text at a number of them.

A run of Latin letters or digits costs one token per six characters begun, a run of other letters (hangul) one per
two, every other visible character one. That is of the order of a real tokenizer's count and not equal to it (compared
with none so far: their vocabularies are downloads); what matters is that the same text always costs the same.
"""

from __future__ import annotations

import re

_PIECE = re.compile(r"[A-Za-z0-9]{1,6}|[^\W\dA-Za-z_]{1,2}|\d{1,6}|[^\s]")

PER_MESSAGE = 3
PER_REPLY = 3
"""Framing of a chat message and of the reply, as in OpenAI's cookbook "How to count tokens with tiktoken"."""


def count(text: str) -> int:
    """Return the number of tokens of `text`."""
    return len(_PIECE.findall(text))


def count_messages(texts: list[str]) -> int:
    """Return the number of prompt tokens of a chat."""
    return sum(count(text) + PER_MESSAGE for text in texts) + PER_REPLY


def truncate(text: str, limit: int) -> str:
    """Return the longest beginning of `text` that costs at most `limit` tokens."""
    for number, piece in enumerate(_PIECE.finditer(text), start=1):
        if number > limit:
            return text[: piece.start()].rstrip()
    return text
