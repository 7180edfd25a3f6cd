"""Rank pages for a query by BM25 and pick the passage to show."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bm25s

from bongsu.local.text import terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bongsu.local.search.corpus import Page

TITLE_REPEATS = 3
"""How often the words of a title count: what a page is about says more than what it mentions."""
MAX_SNIPPET = 900
_SENTENCE_END = re.compile(r"[.!?\u3002](?=\s)")


@dataclass(frozen=True, slots=True)
class Hit:
    """One result: a page, its score (larger is better) and the passage that answers best."""

    page: Page
    score: float
    snippet: str


class Index:
    """An immutable BM25 index over pages."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self.pages = tuple(pages)
        texts = [terms(page.title) * TITLE_REPEATS + terms(" ".join(page.blocks)) for page in self.pages]
        self._known = {term for text in texts for term in text}
        self._ranker: Any = bm25s.BM25()
        self._ranker.index(texts, show_progress=False)

    def search(self, query: str, first: int, count: int) -> tuple[int, list[Hit]]:
        """Return how many pages share a term with `query`, and `count` of them from `first`, the best ones first."""
        asked = [term for term in terms(query) if term in self._known]
        if not asked:
            return 0, []
        scores = self._ranker.get_scores(asked)
        found = [(round(float(score), 6), page) for score, page in zip(scores, self.pages, strict=True) if score > 0]
        found.sort(key=lambda pair: (-pair[0], pair[1].slug))
        shown = found[first : first + count]
        return len(found), [Hit(page, score, snippet(page, asked)) for score, page in shown]


def snippet(page: Page, asked: Sequence[str]) -> str:
    """Return the run of neighbouring blocks with most of the asked terms, at most MAX_SNIPPET characters, else cut."""
    if not page.blocks:
        return ""
    wanted = set(asked)
    held = [Counter(term for term in terms(block) if term in wanted) for block in page.blocks]
    runs = [_run(page.blocks, start) for start in range(len(page.blocks))]
    best = max(range(len(runs)), key=lambda i: (_worth(held[i : i + runs[i]]), -i))
    return _cut("\n\n".join(page.blocks[best : best + runs[best]]))


def _run(blocks: Sequence[str], start: int) -> int:
    """Return how many blocks from `start` fit a snippet; at least one."""
    length = count = 0
    for block in blocks[start:]:
        length += len(block) + 2
        if count and length > MAX_SNIPPET:
            break
        count += 1
    return count


def _worth(held: Sequence[Counter[str]]) -> tuple[int, int]:
    """Value a run by the distinct terms it holds, then by how often; a run that begins without any is worth nothing."""
    if not held[0]:
        return (0, 0)
    together = sum(held, Counter[str]())
    return len(together), together.total()


def _cut(text: str) -> str:
    """Cut a text that is too long after its last whole sentence, or else its last whole word: half a quote is none."""
    if len(text) <= MAX_SNIPPET:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text[:MAX_SNIPPET])]
    return text[: ends[-1]] if ends else text[:MAX_SNIPPET].rsplit(" ", 1)[0]
