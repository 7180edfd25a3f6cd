"""Every wrong specification of the corpus is refused with its code and line, and no right one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.support.corpus import cases, verdict
from tests.golden.scenario import build

if TYPE_CHECKING:
    from pathlib import Path

LEAST = 100


@pytest.mark.parametrize("kind", ["invalid", "valid"])
def test_the_corpus_is_judged_as_it_says(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world, found = build(tmp_path), cases(kind)
    wrong = [f"{case.theme}: {case.name}: {said}" for case in found if (said := verdict(world, case))]
    with capsys.disabled():
        print(f"\n{len(found) - len(wrong)} of {len(found)} {kind} specifications judged right")
    assert wrong == []
    assert len(found) >= LEAST


def test_a_wrong_code_or_line_or_a_right_text_among_the_wrong_is_noticed(tmp_path: Path) -> None:
    world, case = build(tmp_path), cases("invalid")[0]
    moved = type(case)(case.theme, case.name, case.file, case.text, case.code, case.line + 1)
    named = type(case)(case.theme, case.name, case.file, case.text, "slo/other", case.line)
    right = cases("valid")[0]
    unsaid = type(case)(right.theme, right.name, right.file, right.text, case.code, case.line)
    accused = type(case)(case.theme, case.name, case.file, case.text)
    assert all(verdict(world, one) for one in (moved, named, unsaid, accused))
