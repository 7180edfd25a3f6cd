"""What all finders share: a name, a cheap reason to look, and the spans that must not be written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]
Find: TypeAlias = Callable[[str], Iterator[Span]]


@dataclass(frozen=True, slots=True)
class Finder:
    """One kind of thing to redact.

    `hint` is searched first, and `find` is asked only where it occurs: most lines hold nothing, and validators cost.
    `find` yields the spans (start, end) of what a validator accepted.
    """

    name: str
    hint: re.Pattern[str]
    find: Find


def group_spans(pattern: re.Pattern[str], text: str, group: str, accept: Callable[[str], bool]) -> Iterator[Span]:
    """Yield the span of `group` in each match of `pattern` whose text `accept` takes."""
    for found in pattern.finditer(text):
        if accept(found[group]):
            yield found.span(group)


def looks_random(text: str) -> bool:
    """Tell a generated token from a word: it holds a digit, or capitals after small letters more than once."""
    if any(character.isdigit() for character in text):
        return any(character.isalpha() for character in text) or len(text) >= 8  # noqa: PLR2004 - a long number
    return len(re.findall(r"[a-z][A-Z]", text)) > 1
