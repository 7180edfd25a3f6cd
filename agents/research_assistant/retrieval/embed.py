"""Embed text by signed feature hashing: deterministic, without a model, good enough to rank beside BM25.

Features: terms (weight 1; pairs of characters for hangul, which are terms already), neighbouring terms (0.5) and letter
trigrams of Latin words (0.25: inflection and typing errors). BLAKE2b gives each feature a dimension and a sign, counts
are damped by 1 + ln(n), and the vector has length 1.
Source: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from functools import lru_cache
from itertools import pairwise

from research_assistant.retrieval.words import terms

DIMENSIONS = 1024
NAME = "hash-1024-v1"
"""Stored with each vector: those of different embedders must never meet. Any change below needs a new name."""

PAIR_WEIGHT, TRIGRAM_WEIGHT = 0.5, 0.25
MIN_TRIGRAM_WORD = 5


def embed(text: str) -> list[float]:
    """Return the unit vector of `text`: DIMENSIONS floats, the same on every machine."""
    vector = [0.0] * DIMENSIONS
    for feature, weight in _features(text).items():
        place, sign = _hash(feature)
        vector[place] += sign * weight
    length = math.sqrt(math.fsum(x * x for x in vector))
    if length == 0.0:  # no term at all, or features that cancelled out: a direction of its own for this very text
        vector[_hash(f"={text}")[0]] = length = 1.0
    return [x / length for x in vector]


def _features(text: str) -> dict[str, float]:
    found = terms(text)
    trigrams = (
        f"~{word[i : i + 3]}"
        for word in found
        if len(word) >= MIN_TRIGRAM_WORD and word.isascii()
        for i in range(len(word) - 2)
    )
    features = {term: _damped(n) for term, n in Counter(found).items()}
    features |= {f"{a} {b}": PAIR_WEIGHT * _damped(n) for (a, b), n in Counter(pairwise(found)).items()}
    features |= {trigram: TRIGRAM_WEIGHT * _damped(n) for trigram, n in Counter(trigrams).items()}
    return features


def _damped(count: int) -> float:
    return 1 + math.log(count)


@lru_cache(maxsize=131072)
def _hash(feature: str) -> tuple[int, float]:
    number = int.from_bytes(hashlib.blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
    return (number >> 1) % DIMENSIONS, 1.0 if number & 1 else -1.0
