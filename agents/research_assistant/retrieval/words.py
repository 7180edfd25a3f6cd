"""Words and search terms of English and Korean text: the one tokenizer of both rankings."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_GLUED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
"""Hangul, kana and Han: written without spaces between stem and ending, so they are cut into character pairs."""

_RUN = re.compile(rf"[{_GLUED}]+|[^\W_{_GLUED}]+")
_IS_GLUED = re.compile(rf"[{_GLUED}]")

STOP_WORDS = frozenset(
    """
    a about also an and any are as at be because been but by can could did do does each for from had has have how i if
    in into is it its may me more most my no not of on or our shall should so some such than that the their them then
    there these they this those to was we were what when where which while who why will with would you your
    """.split()  # noqa: SIM905 - one word a line would be a page
)


def fold(text: str) -> str:
    """Return `text` composed (NFKC) and case-folded, so that equal words compare equal."""
    return unicodedata.normalize("NFKC", text).casefold()


def terms(text: str) -> list[str]:
    """Return the search terms of `text` in order: singular words without stop words, character pairs of hangul."""
    return [term for word in _RUN.findall(fold(text)) for term in _terms_of(word)]


@lru_cache(maxsize=65536)
def _terms_of(word: str) -> tuple[str, ...]:
    if word in STOP_WORDS:
        return ()
    if _IS_GLUED.match(word):
        return tuple(word[i : i + 2] for i in range(len(word) - 1)) or (word,)
    return (_singular(word),)


def _singular(word: str) -> str:
    """Strip a plural ending by the three rules of the S-stemmer; what they do not cover stays as it is.

    Source: D. Harman, "How effective is suffixing?", JASIS 42(1), 1991.
    """
    if len(word) > 3 and word.endswith("ies") and not word.endswith(("eies", "aies")):  # noqa: PLR2004 - "ties", "dies" stay words
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("us", "ss")):  # noqa: PLR2004 - "its", "gas" stay
        return word[:-1]
    return word
