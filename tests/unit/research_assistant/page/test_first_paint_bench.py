"""The bench of the page judges its slowest trial: one that is too slow turns its line red."""

from __future__ import annotations

import pytest

from bench.first_paint import judge_answers, judge_paint
from bench.support.figures import Figures


@pytest.mark.parametrize(("slowest", "missed"), [(1_000.0, []), (1_001.0, ["first paint of the page ask, 3 trials"])])
def test_a_first_paint_that_is_too_slow_turns_its_line_red(slowest: float, missed: list[str]) -> None:
    figures = Figures()
    judge_paint(figures, "ask", [120.0, slowest, 130.0])
    assert figures.missed == missed


@pytest.mark.parametrize(
    ("slowest", "missed"), [(5.0, []), (5.1, ["from the question to the cited answer on the screen, 2 trials"])]
)
def test_an_answer_that_comes_too_late_turns_its_line_red(slowest: float, missed: list[str]) -> None:
    figures = Figures()
    judge_answers(figures, [0.4, slowest])
    assert figures.missed == missed
