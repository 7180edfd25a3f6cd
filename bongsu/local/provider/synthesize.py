"""Answer a question with sentences of the given passages, and nothing else."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from bongsu.local.provider.plan import topics
from bongsu.local.text import fold, sentences, terms

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

UNANSWERED = "The given passages do not answer this."

MAX_SENTENCES = 4
MAX_SENTENCES_COMPOUND = 6
MAX_PER_PASSAGE = 2
MIN_PASSAGE_COVERAGE = 0.5
MIN_PASSAGE_COVERAGE_OF_SHORT = 0.6
MIN_SENTENCE_COVERAGE = 0.2
"""Shares of a topic's terms that a passage (with its title) and a sentence must hold, not to be about another."""
SHORT_TOPIC_TERMS = 3
"""Of two terms both must be there, of three two: half of a short topic is another topic."""
IDENTIFIER_WEIGHT = 2
"""A term with a digit names one thing: it counts double, so that its absence is not made up for by common words."""
MIN_RELATIVE = 0.4
MIN_RELATIVE_OF_SECOND = 0.2
"""A sentence whose score is below this share of the topic's best is noise next to it; a second source may be weaker."""
TITLE_WEIGHT = 0.3
K1, B = 1.2, 0.5


@dataclass(frozen=True, slots=True)
class Passage:
    """One numbered passage."""

    number: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a passage: `order` is its place among all sentences, `counts` its search terms."""

    number: int
    order: int
    text: str
    counts: Counter[str]
    title: frozenset[str]


Scored = tuple[float, Sentence]


def synthesize(question: str, passages: Sequence[Passage]) -> str:
    """Return the answer: extracted sentences, each followed by ` [number]`, or UNANSWERED."""
    pool = _sentences(passages)
    weights = _weights(pool)
    parts = [terms(topic) for topic in topics(question)]
    held = {p.number: frozenset(terms(p.title)) | frozenset(terms(p.text)) for p in passages}
    scored = [_score(part, [s for s in pool if _covers(held[s.number], part)], weights) for part in parts]
    ranked = [_relevant(one, MIN_RELATIVE) for one in scored]
    chosen = _choose(ranked, MAX_SENTENCES if len(parts) == 1 else MAX_SENTENCES_COMPOUND)
    if not chosen:
        return UNANSWERED
    if len({sentence.number for sentence in chosen}) == 1:
        chosen += _second_source(chosen[0].number, scored)
    first_use = {number: place for place, number in reversed(list(enumerate(s.number for s in chosen)))}
    in_order = sorted(chosen, key=lambda s: (first_use[s.number], s.order))
    return " ".join(f"{sentence.text} [{sentence.number}]" for sentence in in_order)


def extract(message: str) -> str:
    """Return the sentences of a free message that matter most to the question in it; a short message whole."""
    lines = sentences(message)
    asked = next((line for line in reversed(lines) if line.endswith(("?", "\uff1f"))), lines[0] if lines else message)
    rest = [line for line in lines if line != asked]
    pool = [Sentence(0, i, line, Counter(terms(line)), frozenset()) for i, line in enumerate(rest)]
    ranked = _relevant(_score(terms(asked), pool, _weights(pool)), MIN_RELATIVE)[:MAX_SENTENCES]
    if ranked:
        return " ".join(s.text for s in sorted(ranked, key=lambda s: s.order))
    return " ".join(rest[:MAX_SENTENCES]) or " ".join(asked.split())[:400] or "There is nothing to answer."


def _sentences(passages: Sequence[Passage]) -> list[Sentence]:
    """Collect the sentences of all passages; one that several (overlapping) passages share belongs to the first."""
    pool: dict[str, Sentence] = {}
    for passage in passages:
        title = frozenset(terms(passage.title))
        for text in sentences(passage.text):
            pool.setdefault(fold(text), Sentence(passage.number, len(pool), text, Counter(terms(text)), title))
    return list(pool.values())


def _weights(pool: Sequence[Sentence]) -> Mapping[str, float]:
    """Return the inverse document frequency of each term; the empty string holds that of a term found nowhere."""
    total = len(pool)
    frequency = Counter(term for sentence in pool for term in sentence.counts)
    weights = {term: math.log(1 + (total - n + 0.5) / (n + 0.5)) for term, n in frequency.items()}
    weights[""] = math.log(1 + (total + 0.5) / 0.5)
    return weights


def _score(asked: Sequence[str], pool: Sequence[Sentence], weights: Mapping[str, float]) -> list[Scored]:
    """Return the sentences that speak of one topic with their BM25 scores, best first."""
    wanted = {term: weights.get(term, weights[""]) for term in asked}
    average = sum(s.counts.total() for s in pool) / len(pool) if pool else 1.0
    scored: list[Scored] = []
    for sentence in pool:
        own = sum(
            weight * _saturate(sentence.counts[term], sentence.counts.total() / (average or 1.0))
            for term, weight in wanted.items()
            if term in sentence.counts
        )
        if own > 0 and _coverage(sentence.counts, asked) >= MIN_SENTENCE_COVERAGE:
            titled = sum(weight for term, weight in wanted.items() if term in sentence.title)
            scored.append((own + TITLE_WEIGHT * titled, sentence))
    return sorted(scored, key=lambda pair: (-pair[0], pair[1].order))


def _relevant(scored: Sequence[Scored], share: float) -> list[Sentence]:
    """Return the sentences of at least a share of the best score: the best of each passage first, then the others."""
    relevant = [sentence for score, sentence in scored if score >= share * scored[0][0]]
    best = {s.number: s for s in reversed(relevant)}
    first = [s for s in relevant if best[s.number] is s]
    return first + [s for s in relevant if best[s.number] is not s]


def _second_source(first: int, scored: Sequence[Sequence[Scored]]) -> list[Sentence]:
    """Return the best sentence of a passage other than the only one cited, when there is a relevant one."""
    others = [s for one in scored for s in _relevant(one, MIN_RELATIVE_OF_SECOND) if s.number != first]
    return others[:1]


def _covers(held: frozenset[str], asked: Sequence[str]) -> bool:
    short = len(set(asked)) <= SHORT_TOPIC_TERMS
    return _coverage(held, asked) >= (MIN_PASSAGE_COVERAGE_OF_SHORT if short else MIN_PASSAGE_COVERAGE)


def _coverage(held: Collection[str], asked: Sequence[str]) -> float:
    """Return the share of the distinct asked terms that are held, identifiers counted double."""
    value = {term: IDENTIFIER_WEIGHT if any(c.isdigit() for c in term) else 1 for term in asked}
    return sum(value[term] for term in value if term in held) / (sum(value.values()) or 1)


def _saturate(count: int, relative_length: float) -> float:
    return count * (K1 + 1) / (count + K1 * (1 - B + B * relative_length))


def _choose(ranked: Sequence[Sequence[Sentence]], limit: int) -> list[Sentence]:
    """Take sentences in turn from each clause's ranking, at most MAX_PER_PASSAGE of one passage."""
    chosen: list[Sentence] = []
    used: Counter[int] = Counter()
    for row in zip_longest(*ranked):
        for sentence in row:
            if sentence is not None and sentence not in chosen and used[sentence.number] < MAX_PER_PASSAGE:
                chosen.append(sentence)
                used[sentence.number] += 1
    return chosen[:limit]
