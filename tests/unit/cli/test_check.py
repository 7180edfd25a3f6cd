from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from bongsu.checks.registry import CHECKS, SNOOZABLE
from bongsu.cli import catalogue, check
from bongsu.cli import compile as compiling
from tests.golden.scenario import bongsu, build, read

ROOT = Path(__file__).parents[3]


def test_a_sound_catalogue_has_no_problem_and_nothing_is_written(tmp_path: Path) -> None:
    root = build(tmp_path)
    before = sorted(root.rglob("*"))
    assert bongsu(root, "check") == (0, "0 error(s), 0 warning(s)\n", "")
    assert json.loads(bongsu(root, "check", "--json")[1]) == {"problems": [], "snoozed": []}
    assert bongsu(root, "check", "--format", "github") == (0, "", "")
    assert sorted(root.rglob("*")) == before


def test_a_problem_has_one_code_in_every_format_and_the_exit_code_of_a_finding(tmp_path: Path) -> None:
    root = build(tmp_path)
    (root / "alerts" / "broken.yaml").write_text("a: [\n", encoding="utf-8")
    answers = [bongsu(root, "check", "--format", name) for name in ("text", "json", "sarif", "github")]
    assert all(code == 1 and "yaml/syntax" in out and err == "" for code, out, err in answers)


@pytest.fixture(name="put_off")
def _put_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a world whose runbook is not translated, which is put off until the end of 2026; today is a day before."""
    root = build(tmp_path)
    (root / "runbooks/RunsBurn.ko.md").unlink()
    runbook = root / "runbooks/RunsBurn.md"
    snooze = "---\n# bongsu snooze 2026-12-31 runbook/untranslated: the translator is on leave\n"
    runbook.write_text(runbook.read_text(encoding="utf-8").replace("---\n", snooze, 1), encoding="utf-8")
    for module in (catalogue, check, compiling):
        monkeypatch.setattr(module, "today", lambda: date(2026, 12, 30))
    return root


def test_what_is_put_off_is_counted_and_not_listed_and_the_compiler_works(put_off: Path) -> None:
    said = "1 snoozed, the first until 2026-12-31\n"
    assert bongsu(put_off, "check") == (0, f"0 error(s), 0 warning(s), {said}", "")
    code, _, err = bongsu(put_off, "compile")
    assert (code, err) == (0, said)
    assert bongsu(put_off, "compile")[2] == said  # nothing changed, and the count is said again
    assert bongsu(put_off, "check", "--format", "github") == (0, "", "")


def test_json_and_sarif_carry_what_is_put_off_with_reason_and_end(put_off: Path) -> None:
    found = json.loads(bongsu(put_off, "check", "--json")[1])
    assert found["problems"] == []
    assert [(p["code"], p["until"], p["reason"], p["by"]) for p in found["snoozed"]] == [
        ("runbook/untranslated", "2026-12-31", "the translator is on leave", 2)
    ]
    (result,) = json.loads(bongsu(put_off, "check", "--format", "sarif")[1])["runs"][0]["results"]
    (suppression,) = result["suppressions"]
    assert (result["ruleId"], suppression["kind"]) == ("runbook/untranslated", "inSource")
    assert suppression["justification"] == "until 2026-12-31: the translator is on leave"


def test_the_day_after_its_end_a_snooze_stops_the_compiler(put_off: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "today", lambda: date(2027, 1, 1))
    code, _, err = bongsu(put_off, "compile")
    assert code == 1
    assert "runbooks/RunsBurn.md:2:1: error [snooze/expired]" in err
    assert "warning [runbook/untranslated]" in err


def test_what_can_be_put_off_compiles_when_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every scenario of a code that may be snoozed, snoozed at each place: the compiler writes its output."""
    monkeypatch.setattr(catalogue, "today", lambda: date(2026, 12, 30))
    monkeypatch.setattr(compiling, "today", lambda: date(2026, 12, 30))
    for case in sorted((ROOT / "tests/golden/checks").glob("*.txt")):
        code = next(one.CODE for one in CHECKS if one.CODE.replace("/", "_").replace("-", "_") == case.stem)
        if code in SNOOZABLE:
            root = build(tmp_path / case.stem, read(case))
            _snooze(root, code)
            status, _, err = bongsu(root, "compile")
            assert status == 0, f"{case.stem}: {err}"
            assert "snoozed, the first until 2026-12-31" in err, case.stem


def _snooze(root: Path, code: str) -> None:
    """Write a comment above each place of a code, from the last one of a file to its first."""
    found = json.loads(bongsu(root, "check", "--json")[1])["problems"]
    for file, line in sorted({(p["file"], p["line"]) for p in found if p["code"] == code}, reverse=True):
        lines = (root / file).read_text(encoding="utf-8").splitlines()
        indent = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]
        lines.insert(line - 1, f"{indent}# bongsu snooze 2026-12-31 {code}: it can wait")
        (root / file).write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_catalogue_outside_this_repository_is_told_what_its_codes_mean(tmp_path: Path) -> None:
    root = build(tmp_path)
    (root / "alerts" / "broken.yaml").write_text("a: [\n", encoding="utf-8")
    problem = next(p for p in json.loads(bongsu(root, "check", "--json")[1])["problems"] if p["code"] == "yaml/syntax")
    assert problem["doc"] == "docs/checks.md#yamlsyntax-error"
    assert problem["help"].startswith("Not YAML at this place")
    run = json.loads(bongsu(root, "check", "--format", "sarif")[1])["runs"][0]
    assert all("help" in rule for rule in run["tool"]["driver"]["rules"])
