from __future__ import annotations

import json

import pytest

from bongsu.local.provider.answer import answer
from bongsu.local.provider.followup import in_context, question_of
from bongsu.local.provider.requests import parse_chat

LEASE = "What is a lease of a job queue?"


def given(question: str, *earlier: str) -> str:
    return json.dumps({"question": question, "earlier": [{"question": each, "answer": "-"} for each in earlier]})


@pytest.mark.parametrize("question", ["Why?", "And how does it end?", "What renews it?", "그것은 언제 끝나?"])
def test_a_question_that_refers_back_is_understood_with_the_one_before(question: str) -> None:
    assert question_of(given(question, "Something else?", LEASE)) == f"What is a lease of a job queue {question}"


def test_a_question_of_its_own_stays_alone() -> None:
    question = "How does a retry budget cap retries?"
    assert question_of(given(question, LEASE)) == question


@pytest.mark.parametrize("content", ["Why?", '{"question": "Why?"}', '{"earlier": []}', "[]", "[" * 5_000, '{"a": 1}'])
def test_what_is_no_question_with_earlier_ones_is_the_question(content: str) -> None:
    assert question_of(content) == content


@pytest.mark.parametrize("earlier", [None, [], ["x"], [{}], [{"question": 7}], "x", {}])
def test_nonsense_before_a_question_is_left_out(earlier: object) -> None:
    assert in_context({"question": "Why?", "earlier": earlier}) == "Why?"


def test_the_plan_of_a_follow_up_searches_for_what_it_is_about() -> None:
    messages = [
        {"role": "system", "content": "TASK: plan\n"},
        {"role": "user", "content": given("What renews it?", LEASE)},
    ]
    (found,) = json.loads(answer(parse_chat({"model": "gpt-4o", "messages": messages})).text)["researchers"]
    assert found == {"tool": "documents", "query": "What is a lease of a job queue What renews it"}


def test_the_answer_of_a_follow_up_is_about_what_came_before() -> None:
    passages = [
        {"number": 1, "title": "Leases", "text": "A lease of a job queue is renewed by a heartbeat of its worker."},
        {"number": 2, "title": "Budgets", "text": "A budget is renewed every thirty days by the calendar of the team."},
    ]
    content = json.dumps({**json.loads(given("What renews it?", LEASE)), "passages": passages})
    messages = [{"role": "system", "content": "TASK: synthesize\n"}, {"role": "user", "content": content}]
    text = answer(parse_chat({"model": "gpt-4o", "messages": messages})).text
    assert text == "A lease of a job queue is renewed by a heartbeat of its worker. [1]"
