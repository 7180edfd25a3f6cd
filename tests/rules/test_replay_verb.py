"""`bongsu replay` on a small world, with a real promtool."""

from __future__ import annotations

from pathlib import Path

from tests.golden.scenario import bongsu, build

SLO = "slo/shop.yaml"
RULES = "slo-shop-runs.rules.yml"


def test_everything_of_a_sound_slo_passes_and_its_tests_are_kept(tmp_path: Path) -> None:
    code, out, _ = bongsu(build(tmp_path), "replay", "shop-runs", "--out", str(tmp_path / "kept"))
    assert code == 0, out
    assert "8 of 8 replays passed" in out
    assert (tmp_path / "kept/shop-runs-fast.test.yml").is_file()


def test_a_threshold_alert_is_replayed_by_its_name(tmp_path: Path) -> None:
    code, out, _ = bongsu(build(tmp_path), "replay", "ErrorsMany")
    assert code == 0, out
    assert "1 of 1 replays passed" in out


def test_an_slo_whose_raw_series_cannot_be_made_up_is_named_while_its_alerts_are_replayed(tmp_path: Path) -> None:
    root = build(tmp_path)
    text = (root / SLO).read_text(encoding="utf-8")
    (root / SLO).write_text(text.replace("sum(rate(", "stddev(rate("), encoding="utf-8")
    code, out, err = bongsu(root, "replay", "shop-runs")
    assert code == 1
    assert "shop-runs: not all of it is replayed: stddev is not known here; its alerts are" in err
    assert "6 of 6 replays passed" in out


def test_a_wrong_rule_file_fails_by_the_name_of_what_it_gets_wrong(tmp_path: Path) -> None:
    root = build(tmp_path)
    assert bongsu(root, "compile")[0] == 0
    compiled = next(root.rglob(RULES))
    text = compiled.read_text(encoding="utf-8")
    compiled.write_text(text.replace("severity: critical", "severity: warning", 1), encoding="utf-8")
    code, out, _ = bongsu(root, "replay", "--rules", str(compiled.parent))
    assert code == 1
    assert "shop-runs-fast: FAILED" in out
    assert "fires just above its threshold" in out
    assert "7 of 9 replays passed" in out  # the one from raw series sees it too
