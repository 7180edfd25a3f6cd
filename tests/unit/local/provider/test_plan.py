from __future__ import annotations

import pytest

from bongsu.local.provider.plan import MAX_QUERY, clauses, plan


def tools(question: str) -> list[str]:
    return [researcher["tool"] for researcher in plan(question)]


@pytest.mark.parametrize("question", ["What is a retry budget?", "재시도 예산이란 무엇인가요?", "SLO"])
def test_a_short_question_on_one_topic_gets_one_researcher(question: str) -> None:
    assert tools(question) == ["documents"]


@pytest.mark.parametrize(
    "question",
    [
        "What is the latest guidance on burn rates?",
        "What are rate limits and quotas?",
        "재시도 정책의 최신 권고는 무엇인가요?",
        "word " * 30,
    ],
)
def test_news_a_conjunction_or_a_long_question_adds_the_web(question: str) -> None:
    assert tools(question) == ["documents", "web"]


def test_each_part_of_a_question_gets_its_own_documents() -> None:
    assert plan("How do retries amplify load and what limits them?") == [
        {"tool": "documents", "query": "How do retries amplify load"},
        {"tool": "documents", "query": "what limits them"},
        {"tool": "web", "query": "How do retries amplify load and what limits them"},
    ]


def test_a_part_may_begin_with_a_preposition() -> None:
    assert clauses("How is RPO measured, and from when until when is RTO measured?") == [
        "How is RPO measured",
        "from when until when is RTO measured",
    ]


@pytest.mark.parametrize(
    ("question", "sides"),
    [
        ("Compare circuit breakers with retry budgets", ["circuit breakers", "retry budgets"]),
        ("What is the difference between an SLO and an SLI?", ["an SLO", "an SLI"]),
        ("재시도와 서킷 브레이커의 차이는 무엇인가요?", ["재시도", "서킷 브레이커"]),
    ],
)
def test_both_sides_of_a_comparison_are_researched(question: str, sides: list[str]) -> None:
    assert [r["query"] for r in plan(question) if r["tool"] == "documents"] == sides


def test_there_are_never_more_than_four_researchers() -> None:
    assert tools("What is A? What is B? What is C? What is D? What is E?") == ["documents"] * 3 + ["web"]


def test_a_query_is_one_bounded_line() -> None:
    query = plan("burn\nrate " * 100)[-1]["query"]
    assert len(query) <= MAX_QUERY
    assert "\n" not in query


def test_an_empty_question_still_gets_a_plan() -> None:
    assert plan("") == [{"tool": "documents", "query": ""}]
    assert clauses("???") == [""]
