"""What the page keeps out, and whom it keeps out of nothing: barriers, the policy, hostile answers, the key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import expect
from psycopg.types.json import Jsonb

from tests.real.support.browser import MISSING, Reader, answered, chromium, executable, reader

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

    from tests.real.support.assistant import Assistant


HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> [click](javascript:alert(1)) [1] "
    "[data](data:text/html,<script>alert(1)</script>) <svg/onload=alert(1)>"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


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


def test_without_a_browser_the_tests_fail_and_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(pytest.fail.Exception, match="no Chromium on this machine"):
        executable()
    assert "scripts/bootstrap.sh --browser" in MISSING
