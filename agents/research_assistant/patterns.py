"""Patterns of questions: language and length, which are counted; the text never is."""

from __future__ import annotations

import re

SHORT_CHARS, MEDIUM_CHARS = 80, 400
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_LETTER = re.compile(r"[^\W\d_]")


def language(text: str) -> str:
    """Return `ko` for a text with hangul, `en` for one whose letters are mostly ASCII, else `other`."""
    if _HANGUL.search(text):
        return "ko"
    letters = _LETTER.findall(text)
    return "en" if letters and 2 * sum(letter.isascii() for letter in letters) > len(letters) else "other"


def length(text: str) -> str:
    """Return `short`, `medium` or `long`."""
    if len(text) <= SHORT_CHARS:
        return "short"
    return "medium" if len(text) <= MEDIUM_CHARS else "long"
