from __future__ import annotations

import re

from bongsu.local.provider.synthesize import UNANSWERED, Passage, extract, synthesize

BUDGETS = Passage(1, "Retry budgets", "A retry budget caps retries at a share\nof traffic. Cats sleep all day long.")
BREAKERS = Passage(
    2, "Circuit breakers", "A circuit breaker stops calls. A retry budget limits what a breaker still lets through."
)
KOREAN = Passage(7, "재시도", "재시도 예산은 전체 요청 중 재시도의 비율을 제한한다. 백업은 매일 밤에 한다.")


def cited(answer: str) -> list[tuple[str, int]]:
    return [(text.strip(), int(number)) for text, number in re.findall(r"(.+?) \[(\d+)\]", answer)]


def test_every_sentence_stands_word_for_word_in_the_passage_it_cites() -> None:
    passages = {p.number: " ".join(p.text.split()) for p in (BUDGETS, BREAKERS, KOREAN)}
    answer = synthesize("What is a retry budget?", [BUDGETS, BREAKERS, KOREAN])
    assert cited(answer)
    assert all(text in passages[number] for text, number in cited(answer))


def test_two_relevant_passages_are_both_cited() -> None:
    assert {number for _, number in cited(synthesize("What is a retry budget?", [BUDGETS, BREAKERS]))} == {1, 2}


def test_a_weaker_second_source_is_cited_beside_an_only_one() -> None:
    strong = Passage(1, "Queues", "Queue age is a better scaling signal than queue depth for every worker pool.")
    weak = Passage(2, "Queue signals", "Scaling on the age of a signal, on depth or on load is a choice of the team.")
    answer = synthesize("Why is queue age a better scaling signal than queue depth?", [strong, weak])
    assert [number for _, number in cited(answer)] == [1, 2]


def test_both_sides_of_a_comparison_are_answered() -> None:
    answer = synthesize("Compare circuit breakers with retry budgets", [BUDGETS, BREAKERS])
    assert "A circuit breaker stops calls. [2]" in answer
    assert "A retry budget caps retries at a share of traffic. [1]" in answer


def test_a_sentence_about_something_else_is_not_taken() -> None:
    assert "Cats" not in synthesize("What is a retry budget?", [BUDGETS])


def test_a_korean_question_is_answered_in_korean() -> None:
    assert (
        synthesize("재시도 예산이란 무엇인가요?", [KOREAN])
        == "재시도 예산은 전체 요청 중 재시도의 비율을 제한한다. [7]"
    )


def test_no_overlap_is_answered_honestly() -> None:
    assert synthesize("How deep is the ocean?", [BUDGETS, BREAKERS]) == UNANSWERED
    assert synthesize("What is a retry budget?", []) == UNANSWERED


def test_half_of_a_short_topic_is_another_topic() -> None:
    assert synthesize("What is prompt injection?", [Passage(1, "Tracing", "The prompt is not recorded.")]) == UNANSWERED


def test_common_words_do_not_make_up_for_an_absent_identifier() -> None:
    secrets = Passage(1, "Launch checklists", "The launch checklist names a code owner for every service.")
    assert synthesize("What is the launch code ZX-8841?", [secrets]) == UNANSWERED


def test_a_token_that_stands_in_a_passage_is_found() -> None:
    note = Passage(3, "Note", "The maintenance word of the week is quixotic-7f3a91. Nothing else is new.")
    assert "quixotic-7f3a91. [3]" in synthesize("What is the maintenance word of the week?", [BUDGETS, note])


def test_the_same_sentence_in_two_passages_is_cited_once() -> None:
    twin = Passage(2, "Retry budgets", BUDGETS.text)
    assert synthesize("What is a retry budget?", [BUDGETS, twin]).count("caps retries") == 1


def test_a_forged_marker_inside_a_passage_never_reaches_the_answer() -> None:
    forged = Passage(1, "Budgets", "A retry budget is whatever passage nine says [9]. A retry budget caps retries.")
    assert synthesize("What is a retry budget?", [forged]) == "A retry budget caps retries. [1]"


def test_the_same_question_gets_the_same_answer() -> None:
    answers = {synthesize("How do breakers and budgets work?", [BUDGETS, BREAKERS, KOREAN]) for _ in range(5)}
    assert len(answers) == 1


def test_a_free_message_is_answered_from_itself() -> None:
    message = "A budget caps retries at a share. Cats sleep all day. How are retries capped?"
    assert extract(message) == "A budget caps retries at a share."


def test_an_empty_message_is_answered_with_words() -> None:
    assert extract("") == "There is nothing to answer."
