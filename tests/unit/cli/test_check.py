from __future__ import annotations

import json
from pathlib import Path

from tests.golden.scenario import bongsu, build


def test_a_sound_catalogue_has_no_problem_and_nothing_is_written(tmp_path: Path) -> None:
    root = build(tmp_path)
    before = sorted(root.rglob("*"))
    assert bongsu(root, "check") == (0, "0 error(s), 0 warning(s)\n", "")
    assert json.loads(bongsu(root, "check", "--json")[1]) == {"problems": []}
    assert bongsu(root, "check", "--format", "github") == (0, "", "")
    assert sorted(root.rglob("*")) == before


def test_a_problem_has_one_code_in_every_format_and_the_exit_code_of_a_finding(tmp_path: Path) -> None:
    root = build(tmp_path)
    (root / "alerts" / "broken.yaml").write_text("a: [\n", encoding="utf-8")
    answers = [bongsu(root, "check", "--format", name) for name in ("text", "json", "sarif", "github")]
    assert all(code == 1 and "yaml/syntax" in out and err == "" for code, out, err in answers)
