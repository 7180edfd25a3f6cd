from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from bongsu.core.errors import StateError
from bongsu.stack.home import MARKER, PROOF, fresh_home, holder, lock, open_home, read_home


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_home_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    home = open_home(tmp_path / "a" / "home")
    assert [mode(path) for path in (home.path, home.log, home.secrets, home.run)] == [0o700] * 4
    assert read_home(home.path) == home


def test_making_a_home_leaves_the_modes_of_its_parents(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    open_home(tmp_path / "home")
    assert mode(tmp_path) == 0o711


def test_a_home_keeps_its_identity(tmp_path: Path) -> None:
    assert open_home(tmp_path / "h").identity == open_home(tmp_path / "h").identity


def test_an_empty_folder_may_become_a_home(tmp_path: Path) -> None:
    (tmp_path / "h").mkdir(mode=0o755)
    assert mode(open_home(tmp_path / "h").path) == 0o700


def test_a_folder_of_somebody_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    before = mode(tmp_path)
    with pytest.raises(StateError, match=r"not a bongsu home \(it holds thesis\.tex\)"):
        open_home(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    assert mode(tmp_path) == before


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"format": 1}', '{"format": 1, "kind": "stack", "identity": "me"}', '{"format": 9, "kind": "x"}'],
)
def test_a_damaged_marker_is_named_and_nothing_is_deleted(tmp_path: Path, text: str) -> None:
    (tmp_path / MARKER).write_text(text)
    with pytest.raises(StateError, match="is damaged"):
        open_home(tmp_path)
    assert (tmp_path / MARKER).read_text() == text


def test_a_home_of_another_version_is_named(tmp_path: Path) -> None:
    home = open_home(tmp_path / "h")
    (home.path / MARKER).write_text(json.dumps({"format": 2, "kind": "stack", "identity": home.identity}))
    with pytest.raises(StateError, match="another version"):
        read_home(home.path)


def test_a_file_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="is not a folder"):
        open_home(tmp_path / "file")


def test_the_home_of_a_proof_is_refused_as_the_home_of_a_stack() -> None:
    with fresh_home() as home, pytest.raises(StateError, match="is the home of a proof"):
        open_home(home.path)


def test_a_fresh_home_is_marked_as_a_proofs_and_removed() -> None:
    with fresh_home() as home:
        assert (home.kind, mode(home.path)) == (PROOF, 0o700)
    assert not home.path.exists()


def test_a_fresh_home_can_be_kept() -> None:
    with fresh_home(keep=True) as home:
        pass
    assert (home.path / MARKER).is_file()
    with fresh_home() as other:
        home.path.rename(other.path / "kept")


def test_a_home_is_held_by_one_supervisor(tmp_path: Path) -> None:
    home = open_home(tmp_path / "h")
    assert holder(home) is None
    with lock(home):
        found = holder(home)
        assert found is not None
        assert found[0] == os.getpid()
        with pytest.raises(StateError, match="another supervisor runs here"), lock(home):
            pass
        assert holder(home) == found
    assert holder(home) is None
