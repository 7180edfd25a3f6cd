"""Plan the research for a question: a template, not a model."""

from __future__ import annotations

import re

MAX_RESEARCHERS = 4
MAX_QUERY = 200
LONG_QUESTION_WORDS = 25

_SENTENCE_END = re.compile(r"(?<=[?!;\u3002\uff1f])\s*(?=\S)|\n+")
_QUESTION_WORD = (
    r"how|what|why|when|which|who|where|whether|does|do|did|is|are|can|could|should|will"
    r"|explain|describe|list|compare|name"
)
_ASKING = rf"(?=(?:(?:at|by|for|from|in|of|on|since|to|until|with)\s+)?(?:{_QUESTION_WORD})\b)"
_NEW_CLAUSE = re.compile(
    rf",?\s+(?:and|or|also|then|as well as)\s+{_ASKING}|,\s+{_ASKING}|\s+(?:그리고|또한)\s+",
    re.IGNORECASE,
)
_COMPARISONS = (
    re.compile(r"\bcompar(?:e|ing|ison of)\s+(?P<a>.+?)\s+(?:and|with|to|against|vs\.?)\s+(?P<b>.+)", re.IGNORECASE),
    re.compile(r"\bdifferences?\s+between\s+(?P<a>.+?)\s+and\s+(?P<b>.+)", re.IGNORECASE),
    re.compile(r"(?P<a>.+?)\s+(?:versus|vs\.?)\s+(?P<b>.+)", re.IGNORECASE),
    re.compile(r"(?P<a>\S.*?)(?:와|과|하고|랑)\s+(?P<b>.+?)(?:을|를|의|는|은)?\s*(?:비교|차이)"),
)
_COMPOUND = re.compile(
    r"\b(?:and|versus|vs|compare|comparison|differences?|latest|recent(?:ly)?|newest|current(?:ly)?|today|news|trends?)\b"
    r"|비교|차이|최신|최근|그리고|(?:^|\s)및(?:\s|$)|또한",
    re.IGNORECASE,
)


def clauses(question: str) -> list[str]:
    """Return the parts of a question that each ask for something; at least one, without their question marks."""
    parts = [part for sentence in _SENTENCE_END.split(question) for part in _NEW_CLAUSE.split(sentence)]
    return [clean for part in parts if (clean := _clean(part))] or [_clean(question)]


def plan(question: str) -> list[dict[str, str]]:
    """Return one to four researchers `{"tool", "query"}`; exactly one when the question is short and on one topic."""
    parts = clauses(question)
    if len(parts) == 1 and not _COMPOUND.search(question) and len(question.split()) <= LONG_QUESTION_WORDS:
        return [{"tool": "documents", "query": parts[0]}]
    documents = topics(question)[: MAX_RESEARCHERS - 1]
    return [{"tool": "documents", "query": query} for query in documents] + [{"tool": "web", "query": _clean(question)}]


def topics(question: str) -> list[str]:
    """Return what a question asks about, in order, each once: its clauses, and both sides of a comparison."""
    return list(dict.fromkeys(topic for clause in clauses(question) for topic in _sides(clause)))


def _sides(clause: str) -> list[str]:
    for pattern in _COMPARISONS:
        if match := pattern.search(clause):
            return [clean for side in ("a", "b") if (clean := _clean(match[side]))]
    return [clause]


def _clean(text: str) -> str:
    """Return `text` on one line, without end punctuation, cut at a word before MAX_QUERY characters."""
    line = " ".join(text.split()).strip(" ,;?!.\u3002\uff1f")
    return line if len(line) <= MAX_QUERY else line[:MAX_QUERY].rsplit(" ", 1)[0]
