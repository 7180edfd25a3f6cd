"""Words, search terms and sentences of English and Korean text: the one tokenizer of the stand-ins.

Latin words are stemmed lightly and lose stop words; runs of hangul lose the commonest particles and endings and become
character bigrams, which find a stem without a morphological analyser.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_RUN = re.compile(r"[\uac00-\ud7a3]+|[\u3040-\u30ff\u3400-\u9fff]+|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
_HANGUL_OR_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")

STOP_WORDS = frozenset(
    """
    a about above after again all also am an and any are as at be because been before being below between both but
    by can compare compared comparison could did difference differences do does doing down during each explain few
    for from further give had has have having he her here hers him his how i if in into is it its itself just let
    list many may me might more most much must my name no nor not of off on once only or other our out over own
    please same shall she should show so some such tell than that the their them then there these they this those
    through to too under until up us use used versus very vs was we were what when where whether which while who
    whom whose why will with would you your
    무엇 무엇을 무엇이 무엇인가 무엇인가요 무엇입니까 뭐 뭐야 뭔가요 어떻게 어떤 왜 언제 누가 어디 어디에 하나요
    합니까 인가요 입니까 있나요 있는가 되나요 대해 대하여 대한 설명 설명해 설명해줘 설명해주세요 주세요 알려줘
    알려주세요 그리고 및 또는 또한 수 것 때 등 를 을 이 가 은 는 의 에 와 과
    """.split()  # noqa: SIM905 - one word a line would be a page
)

_SUFFIXES = (("ies", "y", 5), ("sses", "ss", 6), ("ing", "", 6), ("ed", "", 5), ("es", "", 5))

_ENDING = re.compile(
    r"(?<=..)(?:입니까|합니까|인가요|하나요|되나요|합니다|입니다|됩니다|한다|된다|이다|하는|하고|에서|으로|이란|란|은|는|을|를|의|에|와|과)$"
)

_BREAK = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[^\s])|(?<=[\u3002\uff01\uff1f])\s*")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|Dr|Mr|Ms|No|Fig)|\b[A-Z])\.$")
_BLOCK = re.compile(r"\n\s*\n")
_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
_LINE_PREFIX = re.compile(r"^(?:[-*+]|\d{1,3}[.)])\s+|^>\s?")
_MARKER = re.compile(r"\[\d+\]")

MIN_SENTENCE = 12
MAX_SENTENCE = 500


def fold(text: str) -> str:
    """Return `text` composed (NFKC) and case-folded, so that equal words compare equal."""
    return unicodedata.normalize("NFKC", text).casefold()


def words(text: str) -> list[str]:
    """Return the folded words of `text` in order, stop words included."""
    return _RUN.findall(fold(text))


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return a crude stem: `retries` meets `retry`, `limits` meets `limit`, `firing` meets `fire`; nothing cleverer."""
    for suffix, replacement, shortest in _SUFFIXES:
        if word.endswith(suffix) and len(word) >= shortest:
            return (word[: -len(suffix)] + replacement).removesuffix("e")
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:  # noqa: PLR2004 - "its", "bus" stay
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word  # noqa: PLR2004 - "the", "one" stay


@lru_cache(maxsize=65536)
def _word_terms(word: str) -> tuple[str, ...]:
    if word in STOP_WORDS:
        return ()
    if _HANGUL_OR_CJK.match(word):
        word = _ENDING.sub("", word)
        return tuple(word[i : i + 2] for i in range(len(word) - 1)) or (word,)
    return (stem(word),)


def terms(text: str) -> list[str]:
    """Return the search terms of `text` in order: stems without stop words, bigrams for hangul."""
    return [term for word in words(text) for term in _word_terms(word)]


def sentences(text: str) -> list[str]:
    """Return the sentences of plain or Markdown text in order, each with its whitespace runs made single spaces.

    Headings, tables and fenced code are no sentences; sentences that already hold a marker such as `[3]` are left out,
    because a marker in an answer must be one that the answer set itself.
    """
    found: list[str] = []
    for block in _BLOCK.split(_FENCE.sub("\n\n", text)):
        for paragraph in _paragraphs(block):
            found += [s for s in _split(paragraph) if MIN_SENTENCE <= len(s) <= MAX_SENTENCE and not _MARKER.search(s)]
    return found


def _paragraphs(block: str) -> list[str]:
    """Join the hard-wrapped lines of a block; a list item starts its own paragraph, headings and tables fall out."""
    paragraphs: list[list[str]] = [[]]
    for raw in block.splitlines():
        line = raw.strip()
        if line.startswith(("#", "|", "---", "===", "<!--")):
            paragraphs.append([])
            continue
        if _LINE_PREFIX.match(line):
            paragraphs.append([])
            line = _LINE_PREFIX.sub("", line)
        paragraphs[-1].append(line)
    return [" ".join(" ".join(lines).split()) for lines in paragraphs if lines]


def _split(paragraph: str) -> list[str]:
    parts: list[str] = []
    start = 0
    for gap in _BREAK.finditer(paragraph):
        head = paragraph[start : gap.start()]
        if _ABBREVIATION.search(head):
            continue
        parts.append(paragraph[start : gap.end()].strip())
        start = gap.end()
    parts.append(paragraph[start:].strip())
    return [part for part in parts if part]
