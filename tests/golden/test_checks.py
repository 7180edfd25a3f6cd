from __future__ import annotations

import re
from pathlib import Path

import pytest

from bongsu.checks.registry import CHECKS, SNOOZABLE
from bongsu.core.formats import own_sections
from tests.golden.scenario import bongsu, build, read, settle
from tests.support.codes import codes_in

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


def test_files_codes_and_goldens_of_the_checks_are_the_same_list() -> None:
    codes = [check.CODE for check in CHECKS]
    files = sorted({path.stem for path in (ROOT / "bongsu/checks").glob("*.py")} - SHARED)
    assert codes == sorted(codes)
    assert files == sorted(stem_of(code) for code in codes)
    assert [path.stem for path in CASES] == sorted(set(files) - ONLINE)


def test_every_code_that_the_source_reports_has_a_section_with_its_severity_and_no_section_is_of_no_code() -> None:
    """The list is read from the source (tests/support/codes.py): a code of a loader cannot be forgotten either."""
    found = codes_in(ROOT / "bongsu")
    text = (ROOT / "docs/checks.md").read_text(encoding="utf-8")
    assert all(len(severities) == 1 for severities in found.values())
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == [f"{code} ({severity})" for code, (severity,) in sorted(found.items())]
    assert {check.CODE: check.SEVERITY.value for check in CHECKS}.items() <= {c: s for c, (s,) in found.items()}.items()
    assert set(SNOOZABLE) <= found.keys()


def test_every_section_has_words_and_an_anchor_of_its_own() -> None:
    docs = own_sections()
    assert docs.keys() == codes_in(ROOT / "bongsu").keys()
    assert len({section.anchor for section in docs.values()}) == len(docs)
    assert all(len(section.text.split()) >= 5 for section in docs.values())


def test_a_new_code_of_a_loader_is_seen_however_it_is_reported(tmp_path: Path) -> None:
    (tmp_path / "load.py").write_text(
        'FORM, SEVERITY = "new/form", Severity.WARNING\n'
        "def one(code, reader):\n"
        "    Problem(code, Severity.ERROR)\n"
        '    reader.fail("new/fail", 1)\n'
        "    Problem(FORM, SEVERITY)\n"
        'def two():\n    return [_problem("new/short", 1)]\n',
        encoding="utf-8",
    )
    assert codes_in(tmp_path) == {"new/fail": {"error"}, "new/form": {"warning"}, "new/short": {"error"}}
    (tmp_path / "load.py").write_text('def one(kind):\n    Problem(f"{kind}/x", Severity.ERROR)\n', encoding="utf-8")
    with pytest.raises(AssertionError, match="which code is this"):
        codes_in(tmp_path)
