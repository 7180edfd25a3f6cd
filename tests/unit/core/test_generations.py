from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.core import generations
from bongsu.core.errors import StateError


def test_a_new_home_gets_one_empty_generation(tmp_path: Path) -> None:
    link = generations.ensure(tmp_path, ["postgres"])
    assert link.is_symlink()
    assert list(link.iterdir()) == []
    assert generations.ensure(tmp_path, ["postgres"]) == link


def test_stores_of_an_older_layout_are_taken_over(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18")
    generations.ensure(tmp_path, ["postgres", "chroma"])
    assert (tmp_path / "data" / "postgres" / "PG_VERSION").read_text() == "18"
    assert not (tmp_path / "postgres").exists()


def test_a_finished_generation_comes_into_use_and_the_one_before_stays(tmp_path: Path) -> None:
    generations.ensure(tmp_path, [])
    (tmp_path / "data" / "old").touch()
    made = generations.begin(tmp_path, "x")
    (made / "new").touch()
    generations.publish(tmp_path, made)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["new"]
    assert (tmp_path / "generations" / "1" / "old").exists()


def test_an_unfinished_generation_is_never_in_use_and_the_next_restore_removes_it(tmp_path: Path) -> None:
    generations.ensure(tmp_path, [])
    left = generations.begin(tmp_path, "killed")
    assert generations.current(tmp_path) == tmp_path / "data"
    assert generations.unfinished(tmp_path) == [left]
    generations.begin(tmp_path, "again")
    assert not left.exists()


def test_a_home_with_nothing_but_an_interrupted_restore_is_not_started_empty(tmp_path: Path) -> None:
    generations.begin(tmp_path, "killed")
    with pytest.raises(StateError, match=r"interrupted \(restoring-killed\)"):
        generations.ensure(tmp_path, [])


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to("generations/7")
    with pytest.raises(StateError, match="leads to generations/7, which is not there"):
        generations.current(tmp_path)
