"""The page in a real Chromium: ask by keyboard alone, watch the agents, open a citation, say what one thinks of it."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import expect
from psycopg.types.json import Jsonb

from tests.real.support.browser import MISSING, Reader, chromium, executable, reader

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

    from tests.real.support.assistant import Assistant

pytestmark = pytest.mark.xdist_group("page")

PICTURE_BYTES = 150_000
QUESTION = "How does a fencing token stop a zombie worker, and how does an idempotency key stop a duplicate run?"
WATCH = """
window.seen = [];
new MutationObserver(() => {
  for (const row of document.querySelectorAll("#timeline li"))
    if (row.className !== "event") window.seen.push(`${row.querySelector(".name").textContent} ${row.className}`);
}).observe(document, {subtree: true, childList: true, attributes: true});
"""
HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> [click](javascript:alert(1)) [1] "
    "[data](data:text/html,<script>alert(1)</script>) <svg/onload=alert(1)>"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@contextmanager
def stopped_worker(assistant: Assistant) -> Iterator[None]:
    """Hold the worker still, so that a run waits in the queue until the block ends."""
    process = assistant.processes["worker"]
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


def answered(assistant: Assistant, question: str = "What is a fencing token?") -> str:
    """Return the path of the page of a finished run."""
    run = assistant.ask(question)
    assert run["state"] == "done", run
    return f"/runs/{run['id']}"


def test_a_question_is_asked_watched_checked_and_judged_by_keyboard_alone(
    assistant: Assistant, browser: Browser
) -> None:
    with reader(browser, assistant.url) as me:
        page = me.page
        page.add_init_script(WATCH)
        me.open("/")
        me.tab_to(page.get_by_label("API key"))
        me.write(assistant.key)
        me.press("Enter")
        expect(page).to_have_title("Ask a question · Research assistant")
        with stopped_worker(assistant):
            me.tab_to(page.get_by_label("Your question"))
            me.write(QUESTION)
            me.tab_to(page.get_by_role("button", name="Ask"))
            me.press("Enter")
            expect(page.get_by_text("The answer appears here")).to_be_visible()
            expect(page.locator("#facts .state")).to_have_text("waiting")
            address = page.url
        expect(page.locator(".answer")).to_contain_text("fencing token")
        assert page.url == address
        assert page.evaluate("performance.getEntriesByType('navigation').length") == 1
        seen = page.evaluate("window.seen")
        for agent in ("Planner", "Researcher", "Writer", "Critic"):
            assert seen.index(f"{agent} working") < seen.index(f"{agent} finished")
        expect(page.get_by_role("status").first).to_have_text("The answer is there.")
        expect(page.locator("#facts .state")).to_have_text("answered")

        marker = page.locator(".answer a").first
        me.tab_to(marker)
        me.press("Enter")
        expect(page.locator("#source-1:target")).to_be_visible()
        me.tab_to(page.locator("#source-1 a"))
        quote = page.locator("#source-1 blockquote").inner_text()
        me.press("Enter")
        expect(page.locator("#quote")).to_be_in_viewport()
        assert " ".join(page.locator("#quote").inner_text().split()) == quote

        me.open(address.removeprefix(assistant.url))
        me.tab_to(page.get_by_role("radio", name="1", exact=True))
        me.press("ArrowRight", "ArrowRight", "ArrowRight")
        me.tab_to(page.get_by_label("What was good or wrong"))
        me.write("Every sentence has its source.")
        me.tab_to(page.get_by_role("button", name="Send feedback"))
        me.press("Enter")
        expect(page.get_by_text("your feedback is stored")).to_be_visible()
    run_id = address.rsplit("/", 1)[1]
    stored = assistant.http("GET", f"/v1/runs/{run_id}/feedback").json["items"]
    assert [(one["score"], one["text"]) for one in stored] == [(4, "Every sentence has its source.")]


def test_everything_works_without_javascript(assistant: Assistant, browser: Browser) -> None:
    with reader(browser, assistant.url, java_script_enabled=False, locale="ko-KR") as me:
        page = me.page
        me.open("/")
        page.get_by_label("API 키").fill(assistant.key)
        page.get_by_role("button", name="로그인").click()
        with stopped_worker(assistant):
            page.get_by_label("질문", exact=True).fill("What is an idempotency key?")
            page.get_by_role("button", name="질문").click()
            expect(page.locator("noscript .help")).to_contain_text("새로 고쳐집니다")
        expect(page.locator(".answer")).to_contain_text("idempotency key")  # the page reloaded itself
        expect(page.locator("#timeline li.finished .name").first).to_have_text("계획자")
        page.locator(".sources a").first.click()
        expect(page.locator("#quote")).to_be_in_viewport()
        page.get_by_role("link", name="답으로 돌아가기").click()
        page.get_by_role("radio", name="5").check()
        page.get_by_role("button", name="의견 보내기").click()
        expect(page.get_by_text("의견이 저장되었습니다")).to_be_visible()


def test_a_follow_up_stays_in_the_conversation(assistant: Assistant, browser: Browser) -> None:
    with reader(browser, assistant.url, key=assistant.key) as me:
        page = me.page
        me.open("/")
        page.get_by_label("Your question").fill("What is a fencing token?")
        me.press("Control+Enter")
        page.get_by_label("Your follow-up question").fill("What is a lease?")
        page.get_by_role("button", name="Ask").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("What is a lease?")
        expect(page.locator(".answer")).to_be_visible()
        earlier = page.get_by_role("region", name="Earlier in this conversation").get_by_role("link")
        expect(earlier).to_have_text(["What is a fencing token?"])


def test_a_run_is_cancelled_while_it_waits(assistant: Assistant, browser: Browser) -> None:
    with reader(browser, assistant.url, key=assistant.key) as me:
        me.open("/")
        with stopped_worker(assistant):
            me.page.get_by_label("Your question").fill("What is a runbook?")
            me.page.get_by_role("button", name="Ask").click()
            me.page.get_by_role("button", name="Cancel this run").click()
        expect(me.page.locator("#facts .state")).to_have_text("cancelled")
        expect(me.page.get_by_role("button", name="Cancel this run")).to_have_count(0)


def test_without_the_event_stream_the_answer_comes_all_the_same(assistant: Assistant, browser: Browser) -> None:
    with reader(browser, assistant.url, key=assistant.key) as me:
        me.page.route("**/events", lambda route: route.fulfill(status=503))
        me.open("/")
        with stopped_worker(assistant):
            me.page.get_by_label("Your question").fill("What is a lease?")
            me.page.get_by_role("button", name="Ask").click()
            expect(me.page.get_by_role("status").first).to_contain_text("lost its connection")
        expect(me.page.locator(".answer")).to_be_visible()
        assert [line for line in me.complaints if "503" not in line] == []
        me.complaints.clear()


def test_a_document_is_added_used_and_deleted(assistant: Assistant, browser: Browser, tmp_path: Path) -> None:
    paper = tmp_path / "gneiss.md"
    paper.write_text("# Gneiss\n\nA gneiss is a banded rock that the quarry of Hwangdeung sells by weight.\n")
    with reader(browser, assistant.url, key=assistant.key) as me:
        me.open("/documents")
        me.page.get_by_label("A text or Markdown file").set_input_files(paper)
        me.page.get_by_role("button", name="Upload").click()
        expect(me.page.get_by_text("The document is stored.")).to_be_visible()
        me.open(answered(assistant, "What is a gneiss that the quarry of Hwangdeung sells?"))
        me.page.get_by_role("link", name="Gneiss").first.click()
        expect(me.page.locator("#quote")).to_contain_text("banded rock")
        me.open("/documents")
        me.page.get_by_role("button", name="Delete Gneiss").click()
        expect(me.page.get_by_text("The document is deleted.")).to_be_visible()
        expect(me.page.get_by_role("button", name="Delete Gneiss")).to_have_count(0)


def test_a_page_of_the_web_opens_at_its_quote(assistant: Assistant, browser: Browser) -> None:
    with reader(browser, assistant.url, key=assistant.key) as me:
        me.open(
            answered(
                assistant, "What is an error budget, and what do on-call engineers hand over at the end of a shift?"
            )
        )
        link = me.page.locator(".sources li", has=me.page.get_by_text("web page")).locator("a").first
        expect(link).to_have_attribute("href", re.compile(r"^http://127\.0\.0\.1:\d+/.*#:~:text=\S+$"))
        expect(link).to_have_attribute("rel", "noopener noreferrer")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_nobody_meets_a_barrier(assistant: Assistant, browser: Browser, scheme: str, locale: str) -> None:
    path = answered(assistant)
    with reader(browser, assistant.url, color_scheme=scheme, locale=locale) as me:
        me.open("/sign-in")
        assert me.barriers() == []
    with reader(browser, assistant.url, key=assistant.key, color_scheme=scheme, locale=locale) as me:
        for each in ("/", path, f"{path}#source-1", f"{path}/sources/1#quote", "/documents", "/runs/nowhere"):
            me.page.set_viewport_size({"width": 1200, "height": 900} if each != path else {"width": 360, "height": 700})
            me.open(each)
            assert me.barriers() == [], each
            assert me.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{each} is too wide"
        me.complaints[:] = [line for line in me.complaints if "404" not in line]  # /runs/nowhere


@pytest.mark.parametrize(
    ("path", "pattern", "planted"),
    [
        ("/", r'<label for="question">.*?</label>', ""),
        ("/", r'<html lang="en">', "<html>"),
        ("/", r'alt=""', ""),
        ("/", r'class="help"', 'class="help" data-planted="pale"'),
    ],
    ids=["label", "language", "alternative text", "contrast"],
)
def test_a_planted_barrier_is_found(
    assistant: Assistant, browser: Browser, path: str, pattern: str, planted: str
) -> None:
    with reader(browser, assistant.url, key=assistant.key) as me:
        plant(me, "**/", lambda html: re.sub(pattern, planted, html))
        plant(me, "**/page.css", lambda css: css + "[data-planted=pale] { color: #aaa; }")
        me.open(path)
        assert me.barriers() != []
        me.complaints.clear()


def test_the_policy_stops_what_slips_into_a_page_and_the_browser_says_so(
    assistant: Assistant, browser: Browser
) -> None:
    slipped_in = "<script>window.slipped = 1</script><style>h1 { color: red }</style></body>"
    with reader(browser, assistant.url, key=assistant.key) as me:
        plant(me, "**/", lambda html: html.replace("</body>", slipped_in))
        me.open("/")
        assert me.page.evaluate("window.slipped") is None
        assert len([line for line in me.complaints if "Content Security Policy" in line]) == 2
        me.complaints.clear()


def test_a_loosened_policy_lets_it_in(assistant: Assistant, browser: Browser) -> None:
    slipped_in = "<script>window.slipped = 1</script></body>"
    with reader(browser, assistant.url, key=assistant.key) as me:
        loose = {"content-security-policy": "script-src 'self' 'unsafe-inline'"}
        plant(me, "**/", lambda html: html.replace("</body>", slipped_in), headers=loose)
        me.open("/")
        assert me.page.evaluate("window.slipped") == 1


def plant(me: Reader, where: str, change: Any, headers: dict[str, str] | None = None) -> None:
    def altered(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=change(answer.text()), headers={**answer.headers, **(headers or {})})

    me.page.route(where, altered)


def test_a_hostile_answer_is_only_read(assistant: Assistant, browser: Browser) -> None:
    run_id = str(uuid4())
    citation = {"number": 1, "title": HOSTILE, "url": "javascript:alert(1)", "quote": HOSTILE, "source": "web"}
    insert = """
        INSERT INTO runs (id, owner, question, state, answer, citations, run_class, finished_at)
        VALUES (%s, 'test', %s, 'done', %s, %s, 'simple', now())
    """
    with psycopg.connect(assistant.env["DATABASE_URL"]) as conn:
        conn.execute(insert, (run_id, HOSTILE, HOSTILE, Jsonb([citation])))
    with reader(browser, assistant.url, key=assistant.key) as me:
        dialogs: list[str] = []
        me.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        me.open(f"/runs/{run_id}")
        expect(me.page.locator(".answer")).to_contain_text("<script>alert(1)</script>")
        assert me.page.locator(".answer a").evaluate_all("links => links.map(a => a.getAttribute('href'))") == [
            "#source-1"
        ]
        assert me.page.locator(".sources a").count() == 0
        assert dialogs == []


def test_the_key_is_in_the_cookie_and_nowhere_else(assistant: Assistant, browser: Browser) -> None:
    path = answered(assistant)
    with reader(browser, assistant.url) as me:
        me.open("/")
        me.page.get_by_label("API key").fill(assistant.key)
        me.page.get_by_role("button", name="Sign in").click()
        for each in ("/", path, f"{path}/sources/1"):
            me.open(each)
            assert assistant.key not in me.page.content() + me.page.url
        assert me.page.evaluate("document.cookie") == ""
        [cookie] = [one for one in me.page.context.cookies() if one["name"] == "session_key"]
        assert (cookie["value"], cookie["httpOnly"], cookie["sameSite"]) == (assistant.key, True, "Strict")
        me.page.get_by_role("button", name="Sign out").click()
        expect(me.page).to_have_url(re.compile("/sign-in$"))
        me.open(path)
        expect(me.page).to_have_url(re.compile("/sign-in"))
    assert assistant.key not in assistant.log("api")


def test_both_languages_are_one_switch_apart(assistant: Assistant, browser: Browser) -> None:
    with reader(browser, assistant.url, key=assistant.key) as me:
        me.open("/")
        me.page.get_by_role("link", name="한국어").click()
        expect(me.page.get_by_role("heading", level=1)).to_have_text("질문하기")
        me.page.get_by_role("link", name="문서").click()
        expect(me.page.locator("html")).to_have_attribute("lang", "ko")


def test_the_picture_of_the_readme_is_what_the_page_looks_like(
    assistant: Assistant, browser: Browser, tmp_path: Path
) -> None:
    """`PAGE_PICTURE=docs/page.png .venv/bin/pytest tests/real/test_page.py -k picture` takes it anew."""
    target = Path(os.environ.get("PAGE_PICTURE", tmp_path / "page.png"))
    with reader(browser, assistant.url, key=assistant.key, viewport={"width": 980, "height": 610}) as me:
        me.open(answered(assistant, QUESTION))
        me.page.screenshot(path=target)
    assert target.stat().st_size <= PICTURE_BYTES


def test_without_a_browser_the_tests_fail_and_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(pytest.fail.Exception, match="no Chromium on this machine"):
        executable()
    assert "scripts/bootstrap.sh --browser" in MISSING
