from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.core.errors import StateError
from bongsu.stack.home import open_home
from bongsu.stack.state import ProcessState, StackState, read_state, write_state

PROCESS = ProcessState("api", "running", 7, "boot:1", 2, 1000.5, 8700, "/log/api.log", "http://x", "SIGTERM")
STATE = StackState(3, "boot:0", True, (PROCESS,), {"api": "http://127.0.0.1:8700"})


def test_a_state_that_was_written_is_read_back(tmp_path: Path) -> None:
    home = open_home(tmp_path / "h")
    write_state(home, STATE)
    assert read_state(home) == STATE
    assert home.state.stat().st_mode & 0o777 == 0o600


def test_a_home_without_a_state_has_none(tmp_path: Path) -> None:
    assert read_state(open_home(tmp_path / "h")) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 2}', '{"format": 1, "processes": [{"name": "x"}]}'])
def test_a_damaged_state_is_named_with_what_to_do(tmp_path: Path, text: str) -> None:
    home = open_home(tmp_path / "h")
    home.state.write_text(text)
    with pytest.raises(StateError, match="is damaged") as caught:
        read_state(home)
    assert "bongsu down" in caught.value.next
