"""Find the quoted sentence in a document as it was ingested, and make the address that opens a web page at it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote as percent_encoded
from urllib.parse import urldefrag, urlsplit

MAX_WORDS = 400
"""A quote is a sentence or a few: more would make a pattern that takes long to search for."""
DIRECTIVE_WORDS = 6
_MARKS = r"[*`]*"
_GAP = rf"{_MARKS}\s+(?:(?:>[ \t]?)+\s*)*(?:(?:[-*+]|\d{{1,3}}[.)])\s+)?{_MARKS}"
_ALIKE = {'"': '["\u201c\u201d]', "'": "['\u2018\u2019]"}
_STRAIGHT = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'", "*": None, "`": None})


@dataclass(frozen=True, slots=True)
class Marked:
    """A text in three parts; `quote` is empty when it was not found, and then everything is in `before`."""

    before: str
    quote: str = ""
    after: str = ""


def mark(text: str, quote: str) -> Marked:
    """Split a document at a quote, whatever its line breaks, list marks, emphasis, kind of quotes and case."""
    words = quote.translate(_STRAIGHT).split()
    if not 0 < len(words) <= MAX_WORDS:
        return Marked(text)
    found = re.search(_GAP.join(map(_pattern, words)), text, re.IGNORECASE)
    return Marked(text[: found.start()], found[0], text[found.end() :]) if found else Marked(text)


def _pattern(word: str) -> str:
    return _MARKS.join(_ALIKE.get(char, re.escape(char)) for char in word)


def web_address(url: str, quote: str) -> str:
    """Return the http(s) address that opens a page at the quote (a text fragment), "" for any other address.

    Source: https://wicg.github.io/scroll-to-text-fragment/. Browsers that do not know it open the page at its top.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or any(char.isspace() for char in url):
        return ""
    words = quote.split()
    if not words:
        return url
    ends = [words] if len(words) <= 2 * DIRECTIVE_WORDS else [words[:DIRECTIVE_WORDS], words[-DIRECTIVE_WORDS:]]
    directive = ",".join(percent_encoded(" ".join(end), safe="").replace("-", "%2D") for end in ends)
    page, fragment = urldefrag(url)
    return f"{page}#{fragment.partition(':~:')[0]}:~:text={directive}"
