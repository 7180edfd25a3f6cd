from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from research_assistant.retrieval.embed import DIMENSIONS, embed

TEXT = st.text(max_size=300)


def cosine(a: str, b: str) -> float:
    return math.fsum(x * y for x, y in zip(embed(a), embed(b), strict=True))


@given(TEXT)
def test_every_text_gets_a_unit_vector_of_the_same_length(text: str) -> None:
    vector = embed(text)
    assert len(vector) == DIMENSIONS
    assert math.isclose(math.fsum(x * x for x in vector), 1.0, abs_tol=1e-9)


@given(TEXT)
def test_the_same_text_gets_the_same_vector(text: str) -> None:
    assert embed(text) == embed(text)


@given(st.sampled_from(["Fencing TOKENS", "retry after 30 s", "카나리 배포"]), st.sampled_from(["\t", "  ", "\n"]))
def test_case_and_spacing_do_not_matter(text: str, space: str) -> None:
    assert embed(text) == embed(text.upper().replace(" ", space))


def test_the_vector_of_a_text_never_changes_without_a_new_name() -> None:
    vector = {place: round(value, 6) for place, value in enumerate(embed("lease")) if value}
    assert vector == {190: 0.229416, 462: 0.229416, 698: 0.917663, 806: -0.229416}


@pytest.mark.parametrize(
    ("question", "near", "far"),
    [
        ("How do retries multiply?", "A retry multiplies the load.", "Backups are copied every night."),
        ("카나리로 배포하는 이유", "프롬프트는 카나리로 배포한다.", "백업은 매일 밤 복사한다."),
    ],
)
def test_a_text_that_shares_words_is_nearer_than_one_that_does_not(question: str, near: str, far: str) -> None:
    assert cosine(question, near) > cosine(question, far) + 0.1


def test_texts_without_any_word_still_differ() -> None:
    assert embed("---") != embed("+++")
