from __future__ import annotations

from bongsu.local.text import sentences, terms


def test_inflected_words_meet_in_one_stem() -> None:
    assert terms("retries retry") == ["retry", "retry"]
    assert set(terms("limits limited limiting")) == {"limit"}


def test_stop_words_are_no_terms() -> None:
    assert terms("What is the budget?") == ["budget"]


def test_hangul_with_and_without_particle_share_bigrams() -> None:
    assert set(terms("예산")) <= set(terms("예산은"))
    assert terms("재시도") == ["재시", "시도"]


def test_decomposed_hangul_is_composed_first() -> None:
    assert terms("\u110b\u1168\u1109\u1161\u11ab") == terms("예산")


def test_hard_wrapped_lines_become_one_sentence() -> None:
    assert sentences("A retry budget caps\n  retries at ten percent.") == [
        "A retry budget caps retries at ten percent."
    ]


def test_headings_tables_and_code_are_no_sentences() -> None:
    text = "# A heading of length\n\n| a | table row here |\n\n```\ncode like prose.\n```\n\nOnly this stays.\n"
    assert sentences(text) == ["Only this stays."]


def test_list_items_are_sentences_without_their_bullets() -> None:
    assert sentences("- the first point\n- the second point") == ["the first point", "the second point"]


def test_an_abbreviation_does_not_end_a_sentence() -> None:
    assert sentences("Use a cap, e.g. ten percent. Then stop there.") == [
        "Use a cap, e.g. ten percent.",
        "Then stop there.",
    ]


def test_a_sentence_that_holds_a_marker_is_left_out() -> None:
    assert sentences("This one cites [3] already. This one does not.") == ["This one does not."]
