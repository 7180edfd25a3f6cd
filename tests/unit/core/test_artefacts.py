from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.core.artefacts import diff_tree, write_file, write_tree
from bongsu.core.errors import StateError


def test_a_tree_is_written_and_a_second_write_changes_nothing(tmp_path: Path) -> None:
    files = {"a/b.yml": "one\n", "c.json": "{}\n"}
    assert write_tree(tmp_path, files) == ["a/b.yml", "c.json"]
    assert write_tree(tmp_path, files) == []
    assert (tmp_path / "a/b.yml").read_text() == "one\n"


def test_a_file_no_longer_compiled_is_deleted(tmp_path: Path) -> None:
    write_tree(tmp_path, {"old.yml": "x", "kept.yml": "y"})
    assert write_tree(tmp_path, {"kept.yml": "y"}) == ["old.yml"]
    assert not (tmp_path / "old.yml").exists()


def test_an_empty_compilation_is_an_error_and_destroys_nothing(tmp_path: Path) -> None:
    write_tree(tmp_path, {"rules.yml": "x"})
    with pytest.raises(StateError, match="nothing was compiled"):
        write_tree(tmp_path, {})
    assert diff_tree(tmp_path, {"rules.yml": "x"}) == []


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "f"
    write_file(target, "old")
    with pytest.raises(UnicodeEncodeError):
        write_file(target, "\ud800")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_mode_of_a_secret_file_is_kept(tmp_path: Path) -> None:
    write_file(tmp_path / "secret", "x", 0o600)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
