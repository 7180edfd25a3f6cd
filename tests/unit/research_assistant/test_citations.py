from __future__ import annotations

import pytest
from research_assistant.citations import numbered, verify
from research_assistant.state import Passage

TOKEN = "A fencing token grows by one each time a run is claimed."
STORE = "The store rejects every write with an older token."
MYTH = "It is false that retries are always safe."


def passage(name: str, *lines: str) -> Passage:
    return {"source": "documents", "title": name, "url": f"http://api/v1/documents/{name}", "text": "\n\n".join(lines)}


PASSAGES = {1: passage("leases", f"{TOKEN} {STORE}"), 2: passage("retries", "- p95 stays > 10 s.", MYTH)}


def answer(draft: str) -> str:
    return verify(draft, PASSAGES)[0]


def test_a_supported_sentence_stays_with_its_source() -> None:
    text, citations = verify(f"{STORE} [1]", PASSAGES)
    assert text == f"{STORE} [1]"
    assert citations == [
        {
            "number": 1,
            "title": "leases",
            "url": "http://api/v1/documents/leases",
            "quote": STORE,
            "source": "documents",
        }
    ]


def test_citations_are_numbered_in_order_of_use() -> None:
    text, citations = verify(f"{MYTH} [2] {TOKEN} [1] {STORE} [1]", PASSAGES)
    assert text == f"{MYTH} [1] {TOKEN} [2] {STORE} [2]"
    assert [(c["number"], c["title"], c["quote"]) for c in citations] == [(1, "retries", MYTH), (2, "leases", TOKEN)]


@pytest.mark.parametrize(
    "draft",
    [
        f"{STORE} [2]",
        f"{STORE} [3]",
        f"{STORE} [0]",
        STORE,
        "The store accepts every write with an older token. [1]",
        "Retries are always safe. [2]",
        "retries are always safe. [2]",
        "A fencing token grows by one [1]",
        "p95 stays < 10 s. [2]",
        "[1]",
        "safe. [2]",
        "",
    ],
    ids=[
        "false citation",
        "marker out of range",
        "marker zero",
        "no marker",
        "fabricated quote",
        "half a sentence, capitalised",
        "half a sentence that says the opposite",
        "beginning of a sentence",
        "another sign",
        "marker alone",
        "too short to prove anything",
        "nothing",
    ],
)
def test_what_its_source_does_not_say_is_removed(draft: str) -> None:
    assert verify(draft, PASSAGES) == ("", [])


def test_only_the_unsupported_sentence_of_a_claim_is_removed() -> None:
    assert answer(f"Everybody knows this. {STORE} [1] So they say. [2]") == f"{STORE} [1]"


def test_of_several_markers_only_the_supporting_one_stays() -> None:
    assert answer(f"{STORE} [2][1]") == f"{STORE} [1]"


def test_neighbouring_sentences_may_share_a_marker() -> None:
    assert answer(f"{TOKEN} {STORE} [1]") == f"{TOKEN} {STORE} [1]"


@pytest.mark.parametrize(
    "draft",
    [
        f"{STORE[:-1]} [1].",
        f"- {STORE} [1]",
        f"{STORE.upper()}[1]",
        "The  store **rejects** every\nwrite with an `older` token. [1]",
        f"{STORE[:-1]} [1]",
    ],
)
def test_marks_spacing_case_and_emphasis_do_not_matter(draft: str) -> None:
    assert verify(draft, PASSAGES)[1] != []


def test_a_list_item_is_quoted_without_its_mark() -> None:
    assert answer("p95 stays > 10 s. [2]") == "p95 stays > 10 s. [1]"


def test_korean_sentences_are_checked_alike() -> None:
    passages = {1: passage("ko", "카나리로 배포한다. 그리고 되돌린다.")}
    assert verify("카나리로 배포한다. [1]", passages)[1] != []
    assert verify("카나리로 배포하지 않는다. [1]", passages)[1] == []


def test_a_passage_that_two_researchers_found_has_one_number() -> None:
    first, second = PASSAGES[1], PASSAGES[2]
    assert numbered([first, second, first]) == {1: first, 2: second}
