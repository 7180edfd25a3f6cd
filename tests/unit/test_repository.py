"""What the repository promises about itself."""

from __future__ import annotations

import ast
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_socket import SocketBlockedError

ROOT = Path(__file__).parents[2]
ROWS = (
    [f"E{n}" for n in range(1, 7)]
    + [f"D{n}" for n in range(1, 6)]
    + [f"M{n}" for n in range(1, 7)]
    + ["A1", "A2a", "A2b", "A2c", "A2d", "A2e"]
    + [f"L{n}" for n in range(1, 4)]
    + [f"O{n}" for n in range(1, 6)]
    + [f"C{n}" for n in range(1, 5)]
    + [f"G{n}" for n in range(1, 4)]
)
PYTHON = sorted([*ROOT.glob("bongsu/**/*.py"), *ROOT.glob("agents/**/*.py")])
OWN_NAME = re.compile(r"\b(?:bongsu_[a-z]+(?:_[a-z]+)+|slo:[a-z_]+:[a-z_]+)\b")


def test_every_row_of_the_mission_has_its_place() -> None:
    table = re.findall(r"^\| ([A-Z]\d[a-e]?) \|", (ROOT / "docs/MISSION.md").read_text(), re.MULTILINE)
    assert table == ROWS


@pytest.mark.parametrize("folder", ["slo", "alerts", "runbooks", "dashboards", "chaos/experiments", "chaos/drills"])
def test_each_data_folder_opens_with_a_short_readme_that_says_how_to_add_one(folder: str) -> None:
    lines = (ROOT / folder / "README.md").read_text().splitlines()
    assert len(lines) <= 16
    assert any("To add one" in line for line in lines)


@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
def test_the_first_screen_of_each_readme_holds_the_two_commands(readme: str) -> None:
    first_screen = "\n".join((ROOT / readme).read_text().splitlines()[:30])
    assert "make up" in first_screen
    assert "make test" in first_screen


def strings(path: Path) -> list[tuple[int, str]]:
    tree = ast.parse(path.read_text())
    return [(n.lineno, n.value) for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def names_spelled_in(text: str) -> list[str]:
    return OWN_NAME.findall(text)


def test_every_bench_is_in_the_table_of_figures_and_every_test_it_names_is_there() -> None:
    table = (ROOT / "docs/figures.md").read_text(encoding="utf-8")
    benches = {path.stem for path in (ROOT / "bench").glob("*.py")}
    assert set(re.findall(r"-m bench\.([a-z_]+)", table)) == benches
    tests = {path.name for path in ROOT.glob("tests/**/test_*.py")}
    assert set(re.findall(r"\btest_[a-z_]+\.py\b", table)) <= tests


def test_metric_and_record_names_are_spelled_in_conventions_only() -> None:
    spelled = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in PYTHON
        if path.name != "conventions.py"
        for line, text in strings(path)
        if "\n" not in text  # docstrings and prompts may speak of a metric
        for name in names_spelled_in(text)
    ]
    assert spelled == []


def test_a_name_spelled_elsewhere_is_found() -> None:
    assert names_spelled_in("sum(rate(bongsu_events_total[5m]))") == ["bongsu_events_total"]
    assert names_spelled_in("slo:sli_error:ratio_rate5m") == ["slo:sli_error:ratio_rate5m"] or names_spelled_in(
        "slo:sli_error:ratio_rate"
    )


def test_importing_the_folder_agents_is_a_lint_error(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text("import agents.research_assistant\n")
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "TID251", "--config", "pyproject.toml"]
    done = subprocess.run([*command, str(sample)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "TID251" in done.stdout


def test_no_python_file_is_longer_than_five_hundred_lines() -> None:
    assert [str(p.relative_to(ROOT)) for p in PYTHON if len(p.read_text().splitlines()) > 500] == []


def test_requirements_hold_versions_and_hashes_and_no_addresses() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in path.read_text(), path.name
        assert "--hash=sha256:" in path.read_text(), path.name


def test_a_unit_test_that_opens_a_socket_fails() -> None:
    with pytest.raises(SocketBlockedError):
        socket.socket()


def test_agents_has_no_init_file() -> None:
    assert not (ROOT / "agents/__init__.py").exists()
