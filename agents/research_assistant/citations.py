"""Check citations by code: a sentence stays only if it stands, whole, in the passage that its marker names."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from research_assistant.retrieval.markdown import sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from research_assistant.state import Passage

MIN_SENTENCE_CHARS = 8
"""Shorter ones ("Yes.") occur everywhere and prove nothing."""

_MARKED = re.compile(r"(?P<text>.*?)(?P<markers>(?:\s*\[\d{1,4}\])+)(?P<end>[.!?\u3002\uff01\uff1f]?)", re.DOTALL)
_MARKER = re.compile(r"\[(\d{1,4})\]")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+")
_MARKUP = str.maketrans({"*": None, "`": None, "\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'"})
_TERMINATED = re.compile(r"[.!?\u3002\uff01\uff1f\u2026][\"')\]]*$")
_GOES_ON_WITH_END = re.compile(r"[.!?\u3002\uff01\uff1f\u2026][\"')\]]*(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Cited:
    """One sentence of a draft (or a run of them) and the numbers of its markers."""

    text: str
    numbers: tuple[int, ...]


def numbered(passages: Sequence[Passage]) -> dict[int, Passage]:
    """Return the passages by number, from 1 in order; one that several researchers found counts once."""
    unique = {(passage["url"], passage["text"]): passage for passage in passages}
    return dict(enumerate(unique.values(), start=1))


def verify(draft: str, passages: Mapping[int, Passage]) -> tuple[str, list[dict[str, Any]]]:
    """Return the supported part of a draft and its citations, numbered 1..n in order of use; both may be empty.

    A citation is {"number", "title", "url", "quote", "source"}; its quote is the first sentence taken from its passage.
    """
    new_numbers: dict[int, int] = {}
    quotes: dict[int, str] = {}
    kept: list[str] = []
    for cited in supported(draft, passages):
        for number in cited.numbers:
            new_numbers.setdefault(number, len(new_numbers) + 1)
            quotes.setdefault(number, cited.text)
        markers = "".join(f"[{new_numbers[number]}]" for number in cited.numbers)
        kept.append(f"{cited.text} {markers}")
    citations = [
        {
            "number": new,
            "title": passages[old]["title"],
            "url": passages[old]["url"],
            "quote": quotes[old],
            "source": passages[old]["source"],
        }
        for old, new in new_numbers.items()
    ]
    return " ".join(kept), citations


def supported(draft: str, passages: Mapping[int, Passage]) -> Iterator[Cited]:
    """Yield what the draft says and its sources support, in order, each with the numbers that support it."""
    blocks = {number: _blocks(passage["text"]) for number, passage in passages.items()}
    for claim in claims(draft):
        whole = _check(claim.text, claim.numbers, blocks)
        if whole.numbers:
            yield whole
            continue
        for sentence in sentences(claim.text):
            part = _check(sentence, claim.numbers, blocks)
            if part.numbers:
                yield part


def claims(draft: str) -> Iterator[Cited]:
    """Yield each piece of the draft that ends in markers; what has no marker is no claim and falls away."""
    for match in _MARKED.finditer(draft):
        text = " ".join(_ITEM.sub("", match["text"].strip()).split())
        if match["end"] and not _TERMINATED.search(text):  # "A sentence [1]." and "A sentence. [1]" mean the same
            text += match["end"]
        yield Cited(text, tuple(dict.fromkeys(int(number) for number in _MARKER.findall(match["markers"]))))


def normalised(text: str) -> str:
    """Return `text` composed, case-folded, on one line, with straight quotes and without emphasis and code marks.

    Signs and numbers stay: "> 10" must not support "< 10".
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().translate(_MARKUP).split())


def occurs(sentence: str, block: str) -> bool:
    """Tell whether a sentence stands in a block from its beginning to its end; both are normalised.

    A part of a sentence is no support: "retries are safe" stands in "it is false that retries are safe".
    """
    if len(sentence) < MIN_SENTENCE_CHARS:
        return False
    start = block.find(sentence)
    while start >= 0:
        end = start + len(sentence)
        begins = start == 0 or (block[start - 1] == " " and _TERMINATED.search(block[: start - 1]))
        ends = end == len(block) or (
            (block[end] == " " and _TERMINATED.search(sentence)) or _GOES_ON_WITH_END.match(block, end)
        )
        if begins and ends:
            return True
        start = block.find(sentence, start + 1)
    return False


def _check(text: str, numbers: Sequence[int], blocks: Mapping[int, Sequence[str]]) -> Cited:
    sentence = normalised(text)
    return Cited(text, tuple(n for n in numbers if any(occurs(sentence, block) for block in blocks.get(n, ()))))


def _blocks(text: str) -> list[str]:
    return [normalised(_ITEM.sub("", line)) for line in text.splitlines() if line.strip()]
