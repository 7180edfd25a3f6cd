from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.scenario import bongsu, build, read, settle

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.txt"))
BROKEN = "everything_wrong_is_said_at_once"


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_compiler_says_what_the_scenario_says(path: Path, tmp_path: Path) -> None:
    scenario = read(path)
    code, _, err = bongsu(build(tmp_path / "world", scenario), "compile")
    settle(scenario, code, err)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_broken_catalogue_leaves_yesterdays_output_byte_identical(tmp_path: Path) -> None:
    root = build(tmp_path / "world")
    assert bongsu(root, "compile")[0] == 0
    before = snapshot(root / "deploy")
    scenario = read(next(path for path in SCENARIOS if path.stem == BROKEN))
    build(root, scenario)
    code, out, err = bongsu(root, "compile")
    assert (code, out) == (1, "")
    assert len({line.split(":")[0] for line in err.splitlines() if " error [" in line}) == 3
    assert snapshot(root / "deploy") == before
