"""Find where a PromQL text stops being PromQL, on top of a parser that names no position.

The place is the first token that no continuation can rescue: a prefix counts as viable when the parser accepts it
with some short ending. So `sum(x[5m])` points at `[`, where a vector stopped being possible.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import promql_parser

from bongsu.core.promql import Token, words

_OPEN = {"(": ")", "{": "}", "[": "]"}
# Endings: text to append and how many open brackets it closes itself; what stays open is closed after it.
_ENDINGS = (
    *(
        (text, 0)
        for text in (
            "",
            " x",
            "x[5m]",
            " 1",
            " (x)",
            " (l) (x)",
            " (l) x",
            " 5m",
            "5m",
            "5m:",
            ":",
            "()",
            "(x)",
            "(x[5m])",
        )
    ),
    *((text, 0) for text in ('="b"', '"b"', 'a="b"', '""')),
    *((text, 1) for text in ("l) (x)", ") (x)", ", l) (x)", "l) x", ") x", ", l) x", ") 1")),
    *((text, 0) for text in (", x", ", 1", ", x[5m]", " 1, x", " 1, x[5m]", " x, 1", " x[5m], 1", ' "a", x')),
    *((start + ", ".join(['"a"'] * count), 0) for start in (", ", " ", " x, ") for count in (1, 2, 3, 4)),
    *((text, 0) for text in ("(1, x)", "(1, x[5m])", "(x, 1)", '(x, "a", "a", "a", "a")', '(x, "a", "a", "a")')),
)

_MAX_WORDS, _MAX_DEPTH = 2000, 50
"""The parser recurses in native code: 5,000 operators or 20,000 parentheses end the process (measured), and finding
the fault in what is nested deeper takes seconds."""
_FEW = 100

_UNITLESS = re.compile(r"(?:\[|(?i:offset))\s*(?!(?:[0-9]+(?:ms|[smhdwy]))+(?![A-Za-z0-9_]))[0-9.]")
"""Where a number without a unit may stand for a duration; strings and comments are told apart afterwards."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Where (offset and width in the text) and why an expression is not PromQL."""

    offset: int
    width: int
    message: str


def fault(text: str) -> Fault | None:
    """Return the first place where `text` is not a valid PromQL 2.x expression, or None."""
    if bad := _beyond(text):
        return bad
    try:
        promql_parser.parse(text)
    except ValueError as error:
        return _located(text, words(text), str(error))
    return None


@lru_cache(maxsize=4096)
def is_promql(text: str) -> bool:
    """Tell whether `fault` finds nothing, without looking for the place; remembered, because parsing takes long."""
    return not _beyond(text) and _parses(text)


def _beyond(text: str) -> Fault | None:
    """Find what the parser must not see, or would read otherwise than Prometheus."""
    if ("#" in text or _UNITLESS.search(text)) and (bad := _unitless(words(text))):
        return bad
    if len(text) > _MAX_WORDS or sum(map(text.count, _OPEN)) > _MAX_DEPTH:
        return _too_large(words(text))
    return None


def _too_large(parts: list[Token]) -> Fault | None:
    """Find where an expression goes beyond what the parser can read."""
    if len(parts) > _MAX_WORDS:
        return Fault(parts[_MAX_WORDS].offset, 1, f"the expression has more than {_MAX_WORDS} words: record a part")
    depth = 0
    for token in parts:
        depth += (token.text in _OPEN) - (token.text in _OPEN.values())
        if depth > _MAX_DEPTH:
            what = f"brackets are nested deeper than {_MAX_DEPTH} levels: record a part"
            return Fault(token.offset, 1, what)
    return None


def _unitless(parts: list[Token]) -> Fault | None:
    """Find `[5]` and `offset 5`, which promql-parser reads as seconds and Prometheus 2.x refuses."""
    for before, token in pairwise(parts):
        if token.kind == "number" and (before.text == "[" or before.text.lower() == "offset"):
            return Fault(token.offset, len(token.text), f"the duration {token.text} has no unit, write {token.text}s")
    return None


def _located(text: str, parts: list[Token], message: str) -> Fault:
    if not parts:
        return Fault(0, 1, "the expression is empty")
    # What cannot be continued stays so however it goes on: in a long text the first such place is found by halving.
    start = bisect_left(parts, x=True, key=lambda t: not _viable(text[: t.end])) if len(parts) > _FEW else 0
    for i, token in enumerate(parts[start:], start):
        if not _viable(text[: token.end]):
            # An unknown function is only unknown once its parenthesis opens; the name is what the author must change.
            culprit = parts[i - 1] if token.text == "(" and message.startswith("unknown function") else token
            return Fault(culprit.offset, len(culprit.text), _sentence(message, f"cannot continue with {token.text!r}"))
    return Fault(parts[-1].end, 1, _sentence(message, "the expression ends too early"))


def _sentence(message: str, ours: str) -> str:
    return ours if message == "invalid promql query" else message


def _viable(prefix: str) -> bool:
    still_open = "".join(_OPEN[token.text] for token in reversed(_unclosed(prefix)))
    return any(
        _parses(prefix + text + closed)
        for text, closes in _ENDINGS
        if closes <= len(still_open)
        for closed in _closings(still_open[closes:])
    )


def _closings(brackets: str) -> list[str]:
    """Return the ways to close what is open: plainly, or with a subquery after any of the closing brackets."""
    return [brackets, *(f"{brackets[:i]}[5m:]{brackets[i:]}" for i in range(len(brackets) + 1))]


def _unclosed(prefix: str) -> list[Token]:
    stack: list[Token] = []
    for token in words(prefix):
        if token.text in _OPEN:
            stack.append(token)
        elif stack and token.text == _OPEN[stack[-1].text]:
            stack.pop()
    return stack


def _parses(text: str) -> bool:
    try:
        promql_parser.parse(text)
    except ValueError:
        return False
    return True
