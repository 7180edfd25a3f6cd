from __future__ import annotations

from bongsu.local.search.corpus import page
from bongsu.local.search.rank import MAX_SNIPPET, Index, snippet

PAGES = [
    page("budgets", "# Retry budgets\n\nA retry budget caps retries.\n\nIt is a share of traffic."),
    page("breakers", "# Circuit breakers\n\nA breaker stops calls. A retry budget helps."),
    page("korean", "# 재시도 예산\n\n재시도 예산은 재시도의 비율을 제한한다."),
    page("soup", "# Soup\n\nSoup is served on Mondays."),
]


def slugs(query: str, first: int = 0, count: int = 10) -> list[str]:
    return [hit.page.slug for hit in Index(PAGES).search(query, first, count)[1]]


def test_the_page_about_the_topic_comes_first() -> None:
    assert slugs("retry budgets") == ["budgets", "breakers"]


def test_a_korean_query_finds_the_korean_page() -> None:
    assert slugs("재시도 예산이란 무엇인가요?") == ["korean"]


def test_a_query_without_a_known_word_finds_nothing() -> None:
    assert Index(PAGES).search("zebra", 0, 10) == (0, [])
    assert Index(PAGES).search("the of", 0, 10) == (0, [])


def test_further_results_come_on_further_pages() -> None:
    total, hits = Index(PAGES).search("retry budgets", 1, 1)
    assert (total, [hit.page.slug for hit in hits]) == (2, ["breakers"])


def test_the_snippet_begins_where_the_words_are() -> None:
    long = page("x", "# X\n\n" + "Filler text here. " * 60 + "\n\nThe retry budget is ten percent.\n\nMore follows.")
    assert snippet(long, ["retry", "budget"]).startswith("The retry budget is ten percent.")


def test_a_snippet_is_bounded() -> None:
    long = page("x", "retry " * 1000)
    assert len(snippet(long, ["retry"])) <= MAX_SNIPPET


def test_a_snippet_ends_with_a_whole_sentence() -> None:
    long = page("x", "The retry budget is ten percent of all calls. " * 40)
    assert snippet(long, ["retry"]).endswith("of all calls.")
