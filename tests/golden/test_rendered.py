from __future__ import annotations

from pathlib import Path

from bongsu.cli.catalogue import RENDERED, compile_all, load_catalogue
from bongsu.core.artefacts import diff_tree
from tests.golden.scenario import bongsu

ROOT = Path(__file__).parents[2]


def test_the_committed_output_is_what_the_compiler_writes_today() -> None:
    assert diff_tree(ROOT / RENDERED, compile_all(load_catalogue(ROOT))) == []


def test_compile_check_agrees(tmp_path: Path) -> None:
    code, out, _ = bongsu(ROOT, "compile", "--check")
    assert (code, out) == (0, f"{len(compile_all(load_catalogue(ROOT)))} files are up to date\n")
    code, _, err = bongsu(ROOT, "compile", "--check", "--out", str(tmp_path / "none"))
    assert code == 1
    assert "alerts-ErrorsHigh.rules.yml: not what `bongsu compile` would write" in err


def test_every_generated_file_says_that_it_is_generated_and_from_what() -> None:
    files = compile_all(load_catalogue(ROOT))
    for name, text in files.items():
        assert "DO NOT EDIT: compiled by `bongsu compile` from " in text, name
        source = text.split("`bongsu compile` from ")[1].split()[0].rstrip('",')
        assert (ROOT / source).is_file(), name
