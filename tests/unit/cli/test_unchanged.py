"""An unchanged tree is not compiled again, and whatever changed is."""

from __future__ import annotations

import io
from argparse import Namespace
from pathlib import Path

import pytest

from bench.support.catalogue import write_project
from bongsu.cli import compile as verb
from bongsu.cli.unchanged import STAMP, inputs_digest


def compiled(root: Path, *, check: bool = False) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = verb.run(Namespace(root=root, out=Path("out"), compat=None, check=check), out, err)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path / "project", 2)


def refuse(*_: object) -> None:
    raise AssertionError("compiled although nothing changed")


def test_an_unchanged_tree_says_the_same_without_compiling(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, said, warned = compiled(root)
    count = said.splitlines()[-1].split()[0]
    monkeypatch.setattr(verb, "load_catalogue", refuse)
    assert compiled(root) == (0, f"{count} files compiled, 0 changed\n", warned)
    assert compiled(root, check=True) == (0, f"{count} files are up to date\n", warned)
    assert "alert/runbook" in warned


def test_an_output_that_somebody_touched_is_written_again(root: Path) -> None:
    compiled(root)
    file = root / "out/prometheus/slo-service-0-promise-0.rules.yml"
    good = file.read_text()
    file.write_text(good.replace("avg_over_time", "max_over_time"))
    assert compiled(root, check=True)[0] == 1
    assert "1 changed" in compiled(root)[1]
    assert file.read_text() == good


def test_an_output_that_is_gone_or_was_added_is_noticed(root: Path) -> None:
    compiled(root)
    (root / "out/prometheus/more.rules.yml").write_text("groups: []\n")
    assert "1 changed" in compiled(root)[1]
    (root / "out/prometheus/slo-service-0-promise-0.rules.yml").unlink()
    assert "1 changed" in compiled(root)[1]


def test_an_input_that_changed_is_compiled(root: Path) -> None:
    compiled(root)
    file = root / "slo/service-0.yaml"
    file.write_text(file.read_text().replace("target: 0.5", "target: 0.6"))
    assert "1 changed" in compiled(root)[1]


def test_a_broken_input_is_an_error_however_often(root: Path) -> None:
    compiled(root)
    (root / "slo/service-0.yaml").write_text("a: [")
    assert [compiled(root)[0], compiled(root)[0]] == [1, 1]


def test_a_damaged_stamp_is_no_stamp(root: Path) -> None:
    compiled(root)
    (root / STAMP).write_text('{"inputs": 1}')
    assert compiled(root)[0] == 0


def test_another_output_folder_is_another_tree(root: Path) -> None:
    assert inputs_digest(root, root / "one") != inputs_digest(root, root / "two")
