"""Embed text by signed feature hashing: deterministic, without a model, good enough to find words again.

Features: terms, that is stems and hangul bigrams (weight 1), pairs of neighbouring terms (0.5), letter trigrams of
Latin words (0.25, for typing errors and inflection). Each feature is hashed by BLAKE2b to a dimension and a sign;
counts are damped by 1 + ln(n); the vector has length 1.
Source: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009.
"""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from bongsu.local.text import terms, words

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_DIMENSIONS = 1024
PAIR_WEIGHT, TRIGRAM_WEIGHT = 0.5, 0.25
MIN_TRIGRAM_WORD = 5


def embed(text: str | Sequence[int], dimensions: int) -> list[float]:
    """Return the unit vector of a text (or of a list of token numbers, hashed as features of their own)."""
    features = _features(text) if isinstance(text, str) else {f"#{token}": 1.0 for token in text}
    vector = [0.0] * dimensions
    for feature, weight in features.items():
        place, sign = _hash(feature)
        vector[place % dimensions] += sign * weight
    length = math.sqrt(sum(x * x for x in vector))
    if length == 0.0:  # features that cancelled out, or none: one fixed direction for this very text
        vector[_hash(repr(text))[0] % dimensions] = length = 1.0
    return [x / length for x in vector]


def to_base64(vector: Sequence[float]) -> str:
    """Return a vector as base64 of little-endian float32, the encoding the openai client asks for."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _features(text: str) -> dict[str, float]:
    found = terms(text) or words(text)
    features: dict[str, float] = {}
    for term, n in Counter(found).items():
        features[term] = 1 + math.log(n)
    for (a, b), n in Counter(pairwise(found)).items():
        features[f"{a} {b}"] = PAIR_WEIGHT * (1 + math.log(n))
    long_words = [word for word in found if len(word) >= MIN_TRIGRAM_WORD and word.isascii()]
    trigrams = Counter(word[i : i + 3] for word in long_words for i in range(len(word) - 2))
    for trigram, n in trigrams.items():
        features[f"~{trigram}"] = TRIGRAM_WEIGHT * (1 + math.log(n))
    return features


@lru_cache(maxsize=131072)
def _hash(feature: str) -> tuple[int, float]:
    number = int.from_bytes(hashlib.blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
    return number >> 1, 1.0 if number & 1 else -1.0
