"""A real Chromium that reads the page: every test has a fresh profile and ends with no complaint of the browser."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page

    from tests.real.support.assistant import Assistant

NAMES = ("chromium", "chromium-browser", "google-chrome")
DEADLINE_MS = 20_000
MAX_TABS = 60
MISSING = (
    "no Chromium on this machine, so nobody has seen the page: run `scripts/bootstrap.sh --browser` "
    "(root or sudo), or name any Chromium or Chrome by CHROMIUM=/path/to/it"
)


def executable() -> str:
    """Return the Chromium of this machine; fail, and never skip, where there is none."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None or shutil.which(found) is None:
        pytest.fail(MISSING)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a Chromium without a window; as root it runs without its sandbox, which refuses root."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), chromium_sandbox=os.geteuid() != 0)
        expect.set_options(timeout=DEADLINE_MS)
        yield browser
        browser.close()


@dataclass(slots=True)
class Reader:
    """Somebody in front of a browser window; `complaints` is what the browser wrote to its console."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.base}{path}")

    def tab_to(self, target: Locator) -> None:
        """Press Tab until `target` has the focus, as somebody without a mouse does; the focus must show on the way."""
        for _ in range(MAX_TABS):
            self.page.keyboard.press("Tab")
            if target.evaluate("element => element === document.activeElement"):
                assert self.focus_shows(), f"the focus on {target} cannot be seen"
                return
        raise AssertionError(f"Tab does not reach {target}")

    def focus_shows(self) -> bool:
        return bool(
            self.page.evaluate(
                "() => { const s = getComputedStyle(document.activeElement);"
                " return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2; }"
            )
        )

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def write(self, text: str) -> None:
        self.page.keyboard.type(text)

    def barriers(self) -> list[str]:
        """Return what axe finds wrong with the page for people who hear, zoom or type instead of see and point."""
        found: dict[str, Any] = Axe().run(self.page).response
        return [
            f"{violation['id']}: {node['html'][:120]}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]


@contextmanager
def reader(browser: Browser, base: str, *, key: str = "", **options: Any) -> Iterator[Reader]:
    """Open a window with a fresh profile; a `key` is signed in already. The browser has nothing to complain of."""
    context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, "locale": "en-US"} | options)
    context.set_default_timeout(DEADLINE_MS)
    if key:
        sign_in(context, base, key)
    made = Reader(context.new_page(), base)

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            made.complaints.append(message.text)

    made.page.on("console", note)
    made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
    made.page.on("request", lambda request: made.strangers.append(request.url) if not _own(request.url, base) else None)
    try:
        yield made
    finally:
        context.close()
    assert made.complaints == [], made.complaints
    assert made.strangers == [], made.strangers


def sign_in(context: BrowserContext, base: str, key: str) -> None:
    answer = context.request.post(f"{base}/sign-in", form={"key": key, "next": "/"}, headers={"Origin": base})
    assert answer.ok, answer.status_text


def _own(url: str, base: str) -> bool:
    return url.startswith((f"{base}/", "data:", "about:", "chrome-error:"))


def answered(assistant: Assistant, question: str = "What is a fencing token?") -> str:
    """Return the path of the page of a finished run."""
    run = assistant.ask(question)
    assert run["state"] == "done", run
    return f"/runs/{run['id']}"
