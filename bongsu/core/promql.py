"""PromQL as text: tokens with offsets, selectors, windows, arms, and the division of its durations.

Validity is `promql-parser`'s word (core/promql_check.py); output is always cut from the author's own text, because
that parser prints `[500ms]` as `[0s]` and leaves quotes unescaped (measured, promql-parser 0.12).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from bongsu.core.durations import format_duration, parse_duration
from bongsu.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bongsu.core.diagnostics import Span

WINDOW = "{{.window}}"
THRESHOLD = "{{.threshold}}"
INTERVAL = "{{.interval}}"

_STRING = r""""[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*'|`[^`]*`"""
_KINDS = {
    "name": r"(?:[A-Za-z_]|:(?=[A-Za-z_:]))[A-Za-z0-9_:]*",
    "placeholder": r"\{\{\.[a-z]+\}\}",
    "op": r"=~|!~|!=|==|<=|>=|[-+*/%^<>=(){}\[\],:@]",
    "string": _STRING,
    "space": r"\s+",
    "duration": r"(?:[0-9]+(?:ms|[smhdwy]))+(?![A-Za-z0-9_])",
    "number": r"0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?",
    "comment": r"\#[^\n]*",
    "other": r".",
}
"""What a token may be, in the order it is tried: names and placeholders before operators, durations before numbers."""
_TOKEN = re.compile("|".join(_KINDS.values()), re.DOTALL)
_KIND = re.compile("|".join(f"(?P<{kind}>{form})" for kind, form in _KINDS.items()), re.DOTALL)
_VALUE = re.compile(r'"[A-Za-z0-9_.:/-]+"')
_CALL = re.compile(r"\s*[A-Za-z_:][A-Za-z0-9_:]*\s*\(")
_BRACKETS = re.compile(rf"{_STRING}|\#[^\n]*|\(|\)|\{{|\}}|\[|\]", re.DOTALL)
"""Brackets one by one and not as a set: the search then skips to the next character that any of these begins with."""
_OPEN = {"(": ")", "{": "}", "[": "]"}
_DEPTH = dict.fromkeys(_OPEN, 1) | dict.fromkeys(_OPEN.values(), -1)
_COMPARE = frozenset(("<", ">", "<=", ">=", "==", "!="))
_EXACT = ("=", "!=")
_MATCHING = (*_EXACT, "=~", "!~")
_SETS = frozenset(("and", "or", "unless"))
_LABEL_LISTS = frozenset(("by", "without", "on", "ignoring", "group_left", "group_right"))
_AGGREGATIONS = frozenset(
    ("sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values", "bottomk", "topk", "quantile")
)
_WORDS = _SETS | _LABEL_LISTS | _AGGREGATIONS | frozenset(("bool", "offset", "inf", "nan", "atan2", "start", "end"))


@dataclass(frozen=True, slots=True)
class Expression:
    """A PromQL text and where its YAML value stands."""

    text: str
    span: Span


class Token(NamedTuple):
    """One piece of a PromQL text; the pieces of a text, joined, are the text."""

    kind: str
    text: str
    offset: int

    @property
    def end(self) -> int:
        """Return the offset just after the token."""
        return self.offset + len(self.text)


class Matcher(NamedTuple):
    """One label matcher of a selector, with the offset of its label."""

    label: str
    op: str
    value: str
    offset: int


class Selector(NamedTuple):
    """One metric name in an expression, its offset, its matchers and where the name or the braces end."""

    name: str
    offset: int
    matchers: tuple[Matcher, ...]
    end: int


@dataclass(frozen=True, slots=True)
class Arm:
    """One operand of `and`, `or` or `unless`: `left op right` when it is a comparison, else `left` alone."""

    left: str
    op: str = ""
    right: str = ""
    negated: bool = False


def tokens(text: str) -> list[Token]:
    """Return every token, spaces and comments included."""
    pieces = _TOKEN.findall(text)
    make = tuple.__new__  # what Token() does, without a call in between: there are a hundred tokens to an SLO
    found = zip(map(_kind, pieces), pieces, accumulate(map(len, pieces), initial=0), strict=False)
    return [make(Token, one) for one in found]


@lru_cache(maxsize=4096)
def _kind(piece: str) -> str:
    """Return what a piece is, whatever stands around it: most stand in every query."""
    found = _KIND.match(piece)
    return (found and found.lastgroup) or ""


def words(text: str) -> list[Token]:
    """Return the tokens that mean something: no spaces, no comments."""
    return list(_words(text))


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[Token, ...]:
    """Remember what was cut: a query is looked at by checks, then by compilers."""
    return tuple([token for token in tokens(text) if token.kind not in ("space", "comment")])


def bare(text: str) -> str:
    """Return the text without comments: a trailing one would swallow what a compiler appends."""
    if "#" not in text:
        return text.strip()
    return "".join(token.text for token in tokens(text) if token.kind != "comment").strip()


def form(text: str) -> str:
    """Return the text with one word for each plain value that a matcher compares exactly.

    Whether a text is PromQL does not depend on such values, and queries of one form differ in little else.
    """
    parts, pieces, done = _words(text), [], 0
    for i, value in enumerate(parts):
        if value.kind != "string" or i < 2 or parts[i - 1].text not in _EXACT:  # noqa: PLR2004 - label, operator
            continue
        if parts[i - 2].text != "__name__" and _VALUE.fullmatch(value.text):
            pieces.append(text[done : value.offset])
            done = value.end
    return '"x"'.join([*pieces, text[done:]])


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with each placeholder such as `{{.window}}` replaced, strings included."""
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


def compress(text: str, factor: float) -> str:
    """Divide every range, subquery step and offset by `factor`; numbers, strings and comments stay as they are.

    Raise UsageError when a duration would fall below one millisecond, the resolution of Prometheus.
    """
    if factor == 1.0:
        return text
    parts = tokens(text)
    timed = {token.offset for token in _timed(parts)}
    return "".join(scale(t.text, factor) if t.offset in timed else t.text for t in parts)


def scale(duration: str, factor: float) -> str:
    """Return a duration divided by `factor`; zero stays zero."""
    seconds = parse_duration(duration)
    if seconds and round(seconds / factor * 1000) < 1:
        raise UsageError(f"time factor {factor:g} makes {duration} shorter than 1 ms", next="choose a smaller factor")
    return duration if factor == 1.0 else format_duration(seconds / factor)


def windows(text: str) -> list[float]:
    """Return the seconds of every range (of selectors and subqueries, without steps), in order."""
    parts = words(text)
    found = [b for a, b in pairwise(parts) if a.text == "[" and b.kind == "duration"]
    return [parse_duration(token.text) for token in found]


@lru_cache(maxsize=65536)
def selectors(text: str) -> tuple[Selector, ...]:
    """Return every metric selector; a selector without a metric name is named by its `__name__` or not at all."""
    return tuple(_selectors(words(text)))


def arms(text: str) -> list[list[Arm]]:
    """Return the expression as `or` of `and`s: the outer list is alternatives, the inner ones hold together.

    An arm after `unless` is negated. Parentheses around a whole expression are looked through; deeper ones are not.
    """
    return [[_arm(part, negated) for part, negated in both] for both in _alternatives(_unwrapped(text))]


def _timed(parts: list[Token]) -> Iterator[Token]:
    inside, after_offset = 0, False
    for token in parts:
        if token.kind in ("space", "comment"):
            continue
        if token.kind == "duration" and (inside or after_offset):
            yield token
        inside += (token.text == "[") - (token.text == "]")
        after_offset = token.text.lower() == "offset" or (after_offset and token.text in "+-")


def _selectors(parts: list[Token]) -> Iterator[Selector]:
    i = 0
    while i < len(parts):
        token = parts[i]
        if token.kind == "name":
            called = i + 1 < len(parts) and parts[i + 1].text == "("
            if called and token.text.lower() in _LABEL_LISTS:
                i = closing(parts, i + 1)
            elif not called and token.text.lower() not in _WORDS:
                matchers, i = _braces(parts, i + 1)
                yield Selector(token.text, token.offset, matchers, parts[i].end)
            i += 1
        elif token.text == "{":
            matchers, last = _braces(parts, i)
            name = next((m.value for m in matchers if m.label == "__name__" and m.op == "="), "")
            yield Selector(name, token.offset, matchers, parts[last].end)
            i = last + 1
        elif token.text == "[":
            i = closing(parts, i) + 1
        else:
            i += 1


def _braces(parts: list[Token], start: int) -> tuple[tuple[Matcher, ...], int]:
    """Return the matchers of the braces at `start` and the index of the selector's last token."""
    if start >= len(parts) or parts[start].text != "{":
        return (), start - 1
    stop = closing(parts, start)
    found = [
        Matcher(parts[i - 2].text, parts[i - 1].text, unquoted(parts[i].text), parts[i - 2].offset)
        for i in range(start + 3, stop)
        if parts[i].kind == "string" and parts[i - 1].text in _MATCHING and parts[i - 2].kind == "name"
    ]
    return tuple(found), stop


def closing(parts: list[Token], start: int) -> int:
    """Return the index of the token that closes the bracket at `start`, or of the last token."""
    depth = 0
    for i in range(start, len(parts)):
        depth += _DEPTH.get(parts[i].text, 0)
        if depth == 0:
            return i
    return len(parts) - 1


def is_call(text: str) -> bool:
    """Tell whether a whole text is one call such as `sum(...)`: it can stand beside any operator as it is."""
    head = _CALL.match(text)
    if not head:
        return False
    steps = [_DEPTH.get(found, 0) for found in _BRACKETS.findall(text, head.end() - 1)]
    depths = list(accumulate(steps))
    # The first bracket is closed by the last one, and nothing follows.
    return 0 in depths and depths.index(0) == len(depths) - 1 and text.rstrip()[-1] in ")}]"


def unquoted(literal: str) -> str:
    """Return the value of a PromQL string literal; only the escapes of quotes and backslashes are undone."""
    inner = literal[1:-1]
    return inner if literal.startswith("`") or "\\" not in inner else re.sub(r"\\([\\\"'])", r"\1", inner)


def _unwrapped(text: str) -> str:
    """Return the text without the parentheses around all of it."""
    parts = words(text)
    pairs = _pairs(parts)
    first, last = 0, len(parts) - 1
    while first < last and parts[first].text == "(" and pairs.get(first) == last:
        first, last = first + 1, last - 1
    if not first:
        return text.strip()
    return text[parts[first - 1].end : parts[last + 1].offset].strip()


def _pairs(parts: list[Token]) -> dict[int, int]:
    """Return where each bracket closes, by the same count as `closing`."""
    found: dict[int, int] = {}
    still_open: list[int] = []
    for i, token in enumerate(parts):
        step = _DEPTH.get(token.text, 0)
        if step > 0:
            still_open.append(i)
        elif step < 0 and still_open:
            found[still_open.pop()] = i
    return found


def _alternatives(text: str) -> list[list[tuple[str, bool]]]:
    """Cut at the set operators outside all brackets; `and` and `unless` bind tighter than `or`."""
    result: list[list[tuple[str, bool]]] = [[]]
    depth, begin, negated = 0, 0, False
    parts = words(text)
    for i, token in enumerate(parts):
        depth += _DEPTH.get(token.text, 0)
        if depth or token.text.lower() not in _SETS:
            continue
        result[-1].append((text[begin : token.offset], negated))
        if token.text.lower() == "or":
            result.append([])
        negated = token.text.lower() == "unless"
        begin = _after_modifiers(parts, i)
    result[-1].append((text[begin:], negated))
    return result


def _after_modifiers(parts: list[Token], i: int) -> int:
    """Return the offset after a set operator at `i` and its `on (...)` or `ignoring (...)`."""
    if i + 2 < len(parts) and parts[i + 1].text.lower() in _LABEL_LISTS and parts[i + 2].text == "(":
        return parts[closing(parts, i + 2)].end
    return parts[i].end


def _arm(text: str, negated: bool) -> Arm:
    text = _unwrapped(text)
    depth, cut = 0, None
    for token in words(text):
        depth += _DEPTH.get(token.text, 0)
        if not depth and token.text in _COMPARE:
            cut = token
    if cut is None:
        return Arm(text, negated=negated)
    return Arm(_unwrapped(text[: cut.offset]), cut.text, text[cut.end :].strip(), negated)
