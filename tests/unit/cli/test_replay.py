from __future__ import annotations

from pathlib import Path

from bongsu.cli.catalogue import load_catalogue
from bongsu.cli.replay import replays_of, write_replays
from tests.golden.scenario import bongsu, build


def test_an_unknown_name_is_wrong_use_of_the_verb(tmp_path: Path) -> None:
    code, out, err = bongsu(build(tmp_path), "replay", "nobody")
    assert (code, out) == (2, "")
    assert "no SLO and no alert nobody" in err


def test_a_folder_without_the_rules_is_wrong_use_of_the_verb(tmp_path: Path) -> None:
    code, _, err = bongsu(build(tmp_path), "replay", "--rules", str(tmp_path))
    assert code == 2
    assert "cannot read slo-" in err


def test_each_test_is_written_beside_the_rules_it_names(tmp_path: Path) -> None:
    replays, _ = replays_of(load_catalogue(build(tmp_path)))
    write_replays(replays[:1], tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(replays[0].files())
