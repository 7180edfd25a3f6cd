"""Run every finder over a text and put a marker in the place of what they found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bongsu.telemetry.redact import personal, secrets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from bongsu.telemetry.redact.finder import Finder, Span

ALL: tuple[Finder, ...] = (*secrets.FINDERS, *personal.FINDERS)
SHORTEST_REMEMBERED = 8
"""A password shorter than this would black out ordinary words."""

LONGEST_KNOWN, MOST_KNOWN = 80, 4_096
"""Names of attributes, nodes and routes come again and again: what was found clean is not searched again."""

_ASCII = {0xFF01 + offset: 0x21 + offset for offset in range(94)} | {0x3000: 0x20}
"""Full-width forms to ASCII, one character each: the spans found fit the original text."""
_HARMLESS = re.compile(r"[^0-9@%:=/?&;\uff01-\uff5e]*")
_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32,64}")
_IDS = re.compile(rf"(?<![0-9A-Za-z])(?:{_ID.pattern})(?![0-9A-Za-z])")


class Cleaner:
    """Redact with these finders; what `remember` was told is redacted wherever it stands."""

    def __init__(self, finders: Collection[Finder] = ALL) -> None:
        self._finders = tuple(finders)
        self._remembered: tuple[str, ...] = ()
        self._known: set[str] = set()

    def remember(self, secret: str) -> None:
        """Redact this very text from now on: a secret that the process knows needs no pattern."""
        if len(secret) >= SHORTEST_REMEMBERED and secret not in self._remembered:
            self._remembered = tuple(sorted((*self._remembered, secret), key=len, reverse=True))
            self._known.clear()

    def clean(self, text: str) -> str:
        """Return `text` with `[redacted:KIND]` in the place of each secret and each piece of personal data."""
        if text in self._known or _ID.fullmatch(text):
            return text
        cleaned = self._clean(text)
        if cleaned == text and len(text) <= LONGEST_KNOWN:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known.add(text)
        return cleaned

    def _clean(self, text: str) -> str:
        for secret in self._remembered:
            text = text.replace(secret, "[redacted:own-secret]")
        if _is_harmless(text):
            return text
        plain = text.translate(_ASCII)
        found = sorted(self._found(plain))
        return _replaced(text, found) if found else text

    def _found(self, text: str) -> Iterator[tuple[int, int, str]]:
        ids = [match.span() for match in _IDS.finditer(text)]
        for finder in self._finders:
            if finder.hint.search(text):
                for start, end in finder.find(text):
                    if not _inside(ids, start, end):
                        yield start, end, finder.name


def _is_harmless(text: str) -> bool:
    """Tell at the price of one scan that nothing can be found: no digit, no sign that secrets come with."""
    return _HARMLESS.fullmatch(text) is not None and "PRIVATE KEY" not in text and "earer" not in text


def _inside(ids: list[Span], start: int, end: int) -> bool:
    """Tell whether a number that was found is a piece of a UUID or of a trace id."""
    return any(first <= start and end <= last for first, last in ids)


def _replaced(text: str, found: list[tuple[int, int, str]]) -> str:
    parts: list[str] = []
    at = 0
    for start, end, name in found:
        if start >= at:
            parts += [text[at:start], f"[redacted:{name}]"]
        at = max(at, end)
    return "".join((*parts, text[at:]))


_cleaner = Cleaner()
clean = _cleaner.clean
remember = _cleaner.remember
