"""The local search as a process."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.real.support.stand_ins import Running, run_to_end, running, stop

MODULE = "bongsu.local.search"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "guides").mkdir()
    (folder / "guides" / "retry budgets.md").write_text(
        "# Retry *budgets*\n\nA `retry` budget caps retries\nat a share & no more.\n\n<script>alert(1)</script>\n"
    )
    (folder / "재시도.md").write_text(
        "# 재시도 예산\n\n재시도 예산은 전체 요청 중 재시도의 비율을 제한한다.\n", encoding="utf-8"
    )
    for number in range(12):
        (folder / f"filler-{number}.md").write_text(f"# Filler {number}\n\nNothing but a common word.\n")
    return folder


@pytest.fixture(scope="module")
def search(corpus: Path) -> Iterator[Running]:
    with running(MODULE, "--port", "0", "--corpus", str(corpus)) as process:
        yield process


def ask(search: Running, query: str, **more: str) -> Any:
    answer = httpx.get(f"{search.url}/search", params={"q": query, "format": "json", **more})
    assert answer.status_code == 200
    return answer.json()


def text_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())


@pytest.mark.parametrize(("query", "title"), [("retry budget", "Retry budgets"), ("재시도 예산은?", "재시도 예산")])
def test_a_result_resolves_to_a_page_that_holds_its_text(search: Running, query: str, title: str) -> None:
    first = ask(search, query)["results"][0]
    assert first["title"] == title
    assert first["url"].startswith(f"{search.url}/pages/")
    page = httpx.get(first["url"])
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert " ".join(first["content"].split()) in text_of(page.text)


def test_an_answer_has_the_keys_of_searxng(search: Running) -> None:
    answer = ask(search, "retry")
    assert set(answer) == {
        "query",
        "number_of_results",
        "results",
        "answers",
        "corrections",
        "infoboxes",
        "suggestions",
        "unresponsive_engines",
    }
    assert {"url", "title", "content", "engine", "engines", "score", "category", "positions"} <= set(
        answer["results"][0]
    )


def test_results_come_ten_to_a_page(search: Running) -> None:
    first, second = ask(search, "common word"), ask(search, "common word", pageno="2")
    assert (first["number_of_results"], len(first["results"]), len(second["results"])) == (12, 10, 2)
    assert second["results"][0]["positions"] == [11]


def test_a_word_nobody_wrote_has_no_results(search: Running) -> None:
    assert ask(search, "zebra")["results"] == []


@pytest.mark.parametrize("query", ["", "   "])
def test_an_empty_query_is_refused_as_searxng_refuses_it(search: Running, query: str) -> None:
    answer = httpx.get(f"{search.url}/search", params={"q": query, "format": "json"})
    assert (answer.status_code, answer.json()) == (400, {"error": "No query"})


@pytest.mark.parametrize("params", [{"q": "x" * 513}, {"q": "x", "pageno": "0"}, {"q": "x", "pageno": "9" * 400}])
def test_a_query_out_of_bounds_is_a_400(search: Running, params: dict[str, str]) -> None:
    assert httpx.get(f"{search.url}/search", params={"format": "json", **params}).status_code == 400


def test_only_json_is_enabled(search: Running) -> None:
    assert httpx.get(f"{search.url}/search", params={"q": "retry"}).status_code == 403


def test_a_page_runs_no_script_and_an_unknown_page_is_a_404(search: Running) -> None:
    page = httpx.get(ask(search, "retry budget")["results"][0]["url"])
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert httpx.get(f"{search.url}/pages/../../etc/passwd").status_code == 404
    assert httpx.get(f"{search.url}/pages/absent").status_code == 404


def test_a_folder_without_pages_is_named(tmp_path: Path) -> None:
    ended = run_to_end(MODULE, "--port", "0", "--corpus", str(tmp_path))
    assert ended.returncode == 2
    assert str(tmp_path) in ended.stderr


def test_sigterm_ends_it_cleanly(corpus: Path) -> None:
    with running(MODULE, "--port", "0", "--corpus", str(corpus)) as search:
        assert httpx.get(f"{search.url}/healthz").text == "OK"
        assert stop(search.process) == 0
