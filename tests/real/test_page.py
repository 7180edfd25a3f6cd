"""The page in a real Chromium: ask by keyboard alone, watch the agents, open a citation, say what one thinks of it."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from research_assistant.page.language import WORDS
from research_assistant.page.timeline import Moment, Row, rows

from tests.real.support.browser import answered, chromium, reader

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.real.support.assistant import Assistant


PICTURE_BYTES = 150_000
QUESTION = "How does a fencing token stop a zombie worker, and how does an idempotency key stop a duplicate run?"
WATCH = """
window.seen = [];
new MutationObserver(() => {
  for (const row of document.querySelectorAll("#timeline li"))
    if (row.className !== "event") window.seen.push(`${row.querySelector(".name").textContent} ${row.className}`);
}).observe(document, {subtree: true, childList: true, attributes: true});
"""


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


STORY = (
    ("queued", "", 0.0),
    ("claimed", "", 0.5),
    ("started", "planner", 0.5),
    ("released", "", 2.0),
    ("claimed", "", 3.0),
    ("started", "planner", 3.0),
    ("finished", "planner", 3.4),
    ("started", "researcher", 3.5),
    ("started", "researcher", 3.6),
    ("finished", "researcher", 4.0),
)


def test_the_live_view_tells_the_same_story_as_the_server(assistant: Assistant, browser: Browser) -> None:
    begin = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
    moments = [Moment(event, node, begin + timedelta(seconds=after)) for event, node, after in STORY]
    frames = [f"event: {m.event}\ndata: {json.dumps({'node': m.node, 'at': m.at.isoformat()})}\n\n" for m in moments]
    stream = "".join(["retry: 100000\n\n", *frames])
    with reader(browser, assistant.url, key=assistant.key) as me, stopped_worker(assistant):
        me.page.route("**/events", lambda route: route.fulfill(content_type="text/event-stream", body=stream))
        me.open("/")
        me.page.get_by_label("Your question").fill("What is a lease?")
        me.page.get_by_role("button", name="Ask").click()
        expect(me.page.locator("#timeline li.finished")).to_have_count(2)
        live = me.page.locator("#timeline li").evaluate_all(
            "rows => rows.map(row => [row.className, ...[...row.children].map(part => part.textContent)])"
        )
        expect(me.page.locator("#facts .state")).to_have_text("at work")
    assert live == [as_shown(row) for row in rows(moments)]
    assert [row[0] for row in live].count("dropped") == 1


def as_shown(row: Row) -> list[str]:
    say = WORDS["en"]
    when = say("run.after", seconds=f"{row.after:.1f}")
    if row.seconds is not None:
        when = say("run.seconds", seconds=f"{row.seconds:.1f}")
    name = say.one_of("node" if row.state else "event", row.name)
    return [row.state or "event", name, say.one_of("step", row.state) if row.state else "", when]


def test_the_first_tab_leads_past_the_head_of_the_page(assistant: Assistant, browser: Browser) -> None:
    with reader(browser, assistant.url, key=assistant.key) as me:
        me.open("/")
        me.press("Tab")
        expect(me.page.get_by_role("link", name="Skip to the content")).to_be_focused()
        expect(me.page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        me.press("Enter")
        me.press("Tab")
        expect(me.page.get_by_label("Your question")).to_be_focused()


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
