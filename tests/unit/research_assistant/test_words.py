from __future__ import annotations

import pytest
from research_assistant.retrieval.words import terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The leases of two workers", ["lease", "two", "worker"]),
        ("retries, policies; bus, class, status", ["retry", "policy", "bus", "class", "status"]),
        ("finish_reason A2c 429", ["finish", "reason", "a2c", "429"]),
        ("카나리로 배포", ["카나", "나리", "리로", "배포"]),
        ("PostgreSQL은 진실", ["postgresql", "은", "진실"]),
        ("", []),
    ],
)
def test_terms_are_singular_words_and_pairs_of_hangul(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_composed_and_decomposed_hangul_are_the_same_word() -> None:
    assert terms("\u1112\u1161\u11ab\u1100\u1173\u11af") == terms("한글")
