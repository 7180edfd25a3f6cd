from __future__ import annotations

import re
from pathlib import Path

import pytest

from bongsu.checks.registry import CHECKS
from tests.golden.scenario import bongsu, build, read, settle

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
CASES = sorted(HERE.glob("checks/*.txt"))
SHARED = {"__init__", "model", "registry", "expressions"}
ONLINE = {"online_no_series"}
"""Asks a Prometheus: tests/real/test_check_online.py."""


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_check_says_what_its_golden_says(path: Path, tmp_path: Path) -> None:
    scenario = read(path)
    code, _, err = bongsu(build(tmp_path / "world", scenario), "compile")
    assert f"[{code_of(path.stem)}]" in err
    settle(scenario, code, err)


def code_of(stem: str) -> str:
    return next(check.CODE for check in CHECKS if stem_of(check.CODE) == stem)


def stem_of(code: str) -> str:
    return re.sub(r"[/-]", "_", code)


def test_files_codes_doc_sections_and_goldens_are_the_same_list() -> None:
    codes = [check.CODE for check in CHECKS]
    files = sorted({path.stem for path in (ROOT / "bongsu/checks").glob("*.py")} - SHARED)
    sections = re.findall(r"^## ([a-z]+/[a-z-]+)", (ROOT / "docs/checks.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert codes == sorted(codes)
    assert files == sorted(stem_of(code) for code in codes)
    assert sections == codes
    assert [path.stem for path in CASES] == sorted(set(files) - ONLINE)


def test_each_doc_section_names_the_severity_of_its_check() -> None:
    text = (ROOT / "docs/checks.md").read_text(encoding="utf-8")
    for check in CHECKS:
        assert f"## {check.CODE} ({check.SEVERITY.value})" in text
