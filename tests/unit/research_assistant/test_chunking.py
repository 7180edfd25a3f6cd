from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from research_assistant.retrieval.chunking import LONGEST_SENTENCE_CHARS, TARGET_CHARS, Chunk, article

SENTENCE = "The storage rejects every write that carries an older token than the newest one."


def test_the_first_heading_is_the_title_and_the_others_head_their_chunks() -> None:
    made = article("# Leases\n\nAbout.\n\n## Fencing\n\nA token.\n\nGrows.\n", default_title="file")
    assert made.title == "Leases"
    assert made.chunks == (Chunk("", "About."), Chunk("Fencing", "A token.\n\nGrows."))


def test_a_text_without_a_title_is_named_after_its_file() -> None:
    assert article("Just text.", default_title="notes").title == "notes"


def test_an_empty_text_has_no_chunks() -> None:
    assert article(" \n\n", default_title="x").chunks == ()


@given(st.lists(st.integers(min_value=1, max_value=30), min_size=1, max_size=12))
def test_sentences_stay_whole_in_chunks_of_bounded_size(paragraphs: list[int]) -> None:
    made = article("\n\n".join(" ".join([SENTENCE] * count) for count in paragraphs), default_title="x")
    assert all(len(chunk.text) <= TARGET_CHARS + len(SENTENCE) for chunk in made.chunks)
    text = " ".join(chunk.text.replace("\n\n", " ") for chunk in made.chunks)
    assert text == " ".join([SENTENCE] * sum(paragraphs))


def test_what_has_no_sentence_end_is_cut_all_the_same() -> None:
    made = article("x" * 3 * LONGEST_SENTENCE_CHARS, default_title="x")
    assert [len(chunk.text) for chunk in made.chunks] == [LONGEST_SENTENCE_CHARS] * 3


def test_code_that_is_split_keeps_its_fences() -> None:
    made = article("```\n" + "\n".join(["some code of a line"] * 100) + "\n```", default_title="x")
    assert len(made.chunks) > 1
    assert all(chunk.text.startswith("```\n") and chunk.text.endswith("\n```") for chunk in made.chunks)
