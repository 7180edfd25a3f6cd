"""How long readers wait for the page: first paint of each of its kinds in a real Chromium, and the way to an answer.

First paint is the browser's own `first-contentful-paint`, from the start of the navigation, over loopback, with an
empty cache in each trial. The way to an answer: from the press of the button to the cited answer on the screen, on the
embedded default. The bars hold for the slowest trial: first paint at most 1 s, an answer in at most 5 s.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING

from bench.support.figures import Figures
from tests.real.support.assistant import CORPUS, running_assistant
from tests.real.support.browser import Reader, chromium, reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Browser

    from tests.real.support.assistant import Assistant

TRIALS, QUESTIONS = 10, 5
PAINT_BAR_MS, ANSWER_BAR_SECONDS = 1_000.0, 5.0
QUESTION = "How does a fencing token stop a zombie worker, and how does an idempotency key stop a duplicate run?"
PAINT = """() => new Promise(done => {
  const [entry] = performance.getEntriesByName('first-contentful-paint');
  if (entry) done(entry.startTime);
  else new PerformanceObserver((list, observer) => {
    for (const one of list.getEntriesByName('first-contentful-paint')) { observer.disconnect(); done(one.startTime); }
  }).observe({ type: 'paint', buffered: true });
})"""


def run() -> int:
    """Run the trials, print the figures and the verdict."""
    figures = Figures()
    with running_assistant(CORPUS / "articles") as assistant, chromium() as browser:
        answer = f"/runs/{assistant.ask(QUESTION)['id']}"
        paths = {"ask": "/", "answer": answer, "source": f"{answer}/sources/1", "documents": "/documents"}
        for name, path in paths.items():
            judge_paint(figures, name, [_paint(browser, assistant, path) for _ in range(TRIALS)])
        judge_answers(figures, [_answer(browser, assistant) for _ in range(QUESTIONS)])
    return figures.code()


def judge_paint(figures: Figures, name: str, times: Sequence[float]) -> None:
    """Judge the first paints of one kind of page, in milliseconds."""
    figures.bar(
        f"first paint of the page {name}, {len(times)} trials",
        f"median {statistics.median(times):.0f} ms, slowest {max(times):.0f} ms",
        f"slowest at most {PAINT_BAR_MS:.0f} ms",
        good=max(times) <= PAINT_BAR_MS,
    )


def judge_answers(figures: Figures, waits: Sequence[float]) -> None:
    """Judge the ways to an answer, in seconds."""
    figures.bar(
        f"from the question to the cited answer on the screen, {len(waits)} trials",
        f"median {statistics.median(waits):.2f} s, slowest {max(waits):.2f} s",
        f"slowest at most {ANSWER_BAR_SECONDS:g} s",
        good=max(waits) <= ANSWER_BAR_SECONDS,
    )


def _paint(browser: Browser, assistant: Assistant, path: str) -> float:
    with reader(browser, assistant.url, key=assistant.key) as me:
        me.open(path)
        return float(me.page.evaluate(PAINT))


def _answer(browser: Browser, assistant: Assistant) -> float:
    with reader(browser, assistant.url, key=assistant.key) as me:
        me.open("/")
        me.page.get_by_label("Your question").fill(QUESTION)
        return _seconds_to_answer(me)


def _seconds_to_answer(me: Reader) -> float:
    began = time.perf_counter()
    me.page.get_by_role("button", name="Ask").click()
    me.page.locator(".sources a").first.wait_for()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(run())
