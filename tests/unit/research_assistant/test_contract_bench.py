"""The bench of the API's contract judges what was seen: each planted defect turns its own line red."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.api_contract import judge
from bench.support.figures import Figures
from tests.real.support.contract import Seen

DESCRIBED = {"GET /v1/runs", "POST /v1/runs"}
ANSWERS = Counter({("GET /v1/runs", 200): 40, ("POST /v1/runs", 202): 50, ("POST /v1/runs", 422): 9})


def judged(seen: Seen, *wrong: str, described: set[str] = DESCRIBED) -> list[str]:
    figures = Figures()
    judge(figures, seen, described, wrong)
    return figures.missed


def test_an_api_that_keeps_its_word_is_called_so() -> None:
    assert judged(Seen(0, "", ANSWERS)) == []


@pytest.mark.parametrize(
    ("seen", "lines"),
    [
        (Seen(1, "", ANSWERS), ["checks that failed"]),
        (Seen(0, "", ANSWERS, Counter({("GET /v1/runs", "ignored_auth"): 1})), ["checks that failed"]),
        (Seen(0, "", ANSWERS + Counter({("GET /v1/runs", 500): 1})), ["answers 5xx, or none"]),
        (Seen(0, "", ANSWERS + Counter({("GET /v1/runs", 0): 1})), ["answers 5xx, or none"]),
        (Seen(0, "", Counter({("GET /v1/runs", 200): 1})), ["endpoints that were asked"]),
        (Seen(0, ""), ["endpoints that were asked"]),
    ],
)
def test_a_planted_defect_turns_its_line_red(seen: Seen, lines: list[str]) -> None:
    assert judged(seen) == lines


def test_what_crosses_tenants_turns_its_line_red_and_so_does_a_matrix_of_nothing() -> None:
    told = "GET /v1/runs: told what is ann's"
    assert judged(Seen(0, "", ANSWERS), told) == ["reads or writes across tenants, 2 endpoints"]
    assert judged(Seen(0, "", ANSWERS), described=set()) == ["reads or writes across tenants, 0 endpoints"]
