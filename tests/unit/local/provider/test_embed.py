from __future__ import annotations

import base64
import math
import struct

import pytest

from bongsu.local.provider.embed import embed, to_base64


def cosine(a: str, b: str) -> float:
    return sum(x * y for x, y in zip(embed(a, 1024), embed(b, 1024), strict=True))


@pytest.mark.parametrize("text", ["retry budget", "재시도 예산", "!!!", "the", "😀"])
def test_every_vector_has_length_one(text: str) -> None:
    assert math.isclose(math.hypot(*embed(text, 256)), 1.0, rel_tol=1e-9)


def test_equal_texts_have_equal_vectors_across_processes() -> None:
    assert embed("retry budget", 8) == pytest.approx(embed("Retry  Budget", 8))
    place = max(range(1024), key=lambda i: abs(embed("budget", 1024)[i]))
    assert place == 368  # a fixed point: a change here makes every stored embedding useless


def test_related_texts_are_closer_than_unrelated_ones() -> None:
    question = "What is a retry budget?"
    near = cosine(question, "A retry budget caps retries at a share of traffic.")
    assert near > 0.3 > cosine(question, "The kitchen serves soup on Mondays.")


def test_korean_texts_with_other_particles_are_close() -> None:
    near = cosine("재시도 예산이란 무엇인가요?", "재시도 예산은 재시도의 비율을 제한한다.")
    assert near > 0.3 > cosine("재시도 예산이란 무엇인가요?", "식당은 월요일에 국을 낸다.")


def test_base64_holds_little_endian_floats() -> None:
    vector = embed("retry", 4)
    assert struct.unpack("<4f", base64.b64decode(to_base64(vector))) == pytest.approx(vector, abs=1e-6)


def test_token_numbers_can_be_embedded() -> None:
    assert embed((1, 2, 3), 16) != embed((1, 2, 4), 16)
