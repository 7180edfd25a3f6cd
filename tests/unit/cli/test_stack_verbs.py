from __future__ import annotations

import argparse
import io
import json
from pathlib import Path
from types import ModuleType

import pytest

from bongsu.cli import down, status, up
from bongsu.cli.progress import Progress
from bongsu.core.errors import StateError
from bongsu.stack.home import MARKER, open_home


def parse(module: ModuleType, root: Path, *argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    module.configure(parser)
    args = parser.parse_args(argv)
    args.root = root
    return args


def call(module: ModuleType, root: Path, *argv: str) -> tuple[int, str]:
    out = io.StringIO()
    code = module.run(parse(module, root, *argv), out, io.StringIO())
    return code, out.getvalue()


@pytest.mark.parametrize("module", [up, down, status])
def test_a_verb_has_a_name_a_help_and_real_examples(module: ModuleType) -> None:
    assert module.HELP
    assert all(f"bongsu {module.NAME}" in line for line in module.EXAMPLES)


def test_down_without_a_home_has_nothing_to_stop(tmp_path: Path) -> None:
    assert call(down, tmp_path) == (0, "nothing runs: there is no home\n")


def test_down_of_a_home_in_which_nothing_runs_is_fine_twice(tmp_path: Path) -> None:
    open_home(tmp_path / ".bongsu")
    assert call(down, tmp_path) == call(down, tmp_path) == (0, "nothing runs\n")


@pytest.mark.parametrize("module", [up, down, status])
def test_a_foreign_folder_is_named_and_left_alone(module: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(StateError, match="not a bongsu home"):
        call(module, tmp_path, "--home", str(tmp_path / "photos"))
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["cat.jpg"]


@pytest.mark.parametrize("module", [up, down, status])
def test_a_damaged_home_is_named_and_left_alone(module: ModuleType, tmp_path: Path) -> None:
    (open_home(tmp_path / "h").path / MARKER).write_text("{")
    with pytest.raises(StateError, match="is damaged"):
        call(module, tmp_path, "--home", str(tmp_path / "h"))
    assert (tmp_path / "h" / MARKER).read_text() == "{"


def test_status_of_nothing_is_not_healthy(tmp_path: Path) -> None:
    code, text = call(status, tmp_path)
    assert (code, text) == (1, f"nothing runs in {tmp_path / '.bongsu'}: `bongsu up` starts it\n")
    code, text = call(status, tmp_path, "--json")
    assert (code, json.loads(text)["healthy"]) == (1, False)


def test_progress_without_a_terminal_is_a_line_per_step() -> None:
    out = io.StringIO()
    with Progress(out) as progress:
        progress.show({"event": "step", "name": "api", "phase": "starting", "detail": "", "seconds": 0.0})
        progress.show({"event": "step", "name": "api", "phase": "ready", "detail": "8700", "seconds": 1.25})
        progress.show({"event": "answer", "command": "demo ask", "text": "Yes [1].\n"})
        progress.show({"event": "ready", "seconds": 3.0, "addresses": {"api": "http://127.0.0.1:8700"}})
    lines = [line for line in out.getvalue().splitlines() if line]
    assert lines == [
        "  ready    api                   1.2 s   port 8700",
        "$ demo ask",
        "Yes [1].",
        "everything answers after 3.0 s",
        "  api           http://127.0.0.1:8700",
    ]
