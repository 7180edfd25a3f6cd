"""`bongsu compile --compat sloth`: beside what is there, never over it, and only when the SLOs are sound."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bongsu.cli import sloth
from tests.golden.scenario import bongsu, build
from tests.support.rule_equality import differences, groups_of

GOLDENS = Path(__file__).parents[2] / "golden/sloth"


def world(root: Path, *cases: str) -> Path:
    build(root)
    for case in cases:
        (root / f"slo/{case}.yaml").write_text((GOLDENS / f"{case}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return root


def compat(root: Path, *argv: str, out: str = "sloth") -> tuple[int, str, str]:
    return bongsu(root, "compile", "--compat", "sloth", "--out", out, *argv)


def codes(err: str) -> list[str]:
    return [line.split("[")[1].split("]")[0] for line in err.splitlines() if " error [" in line]


def test_sloths_rules_are_written_for_sloths_specs_and_for_ours(tmp_path: Path) -> None:
    root = world(tmp_path, "01-ratio", "06-kubernetes")
    (root / "slo/01-ratio.yaml").write_text(
        (GOLDENS / "01-ratio.yaml").read_text(encoding="utf-8").replace("checkout", "till"), encoding="utf-8"
    )
    code, out, err = compat(root)
    assert (code, err) == (0, "")
    assert sorted(path.name for path in (root / "sloth").iterdir()) == [
        "01-ratio.rules.yml",
        "06-kubernetes.objects.yml",
        "shop.rules.yml",
    ]
    assert out.endswith("3 files compiled, 3 changed\n")
    assert not (root / "deploy").exists()
    wanted = (GOLDENS / "01-ratio.rules.yml").read_text(encoding="utf-8").replace("checkout", "till")
    assert differences(wanted, (root / "sloth/01-ratio.rules.yml").read_text(encoding="utf-8")) == []
    assert compat(root)[1] == "3 files compiled, 0 changed\n"


def test_an_slo_that_sloth_has_no_words_for_is_left_out_and_named(tmp_path: Path) -> None:
    root = world(tmp_path, "01-ratio")
    path = root / "slo/shop.yaml"
    calendar = (
        "duration: 1M\n      isRolling: false\n      calendar: {startTime: '2026-01-01 00:00:00', timeZone: UTC}\n"
    )
    text = path.read_text(encoding="utf-8").replace("duration: 30d\n      isRolling: true\n", calendar)
    path.write_text(text, encoding="utf-8")
    code, _, err = compat(root)
    assert (code, err) == (0, "shop-runs: left out, Sloth has no words for its indicator, window or policies\n")
    assert [path.name for path in (root / "sloth").iterdir()] == ["01-ratio.rules.yml"]


def test_foreign_metrics_and_missing_runbooks_do_not_stop_it(tmp_path: Path) -> None:
    root = world(tmp_path, "03-latency")
    assert compat(root)[0] == 0
    assert bongsu(root, "compile")[0] == 1


def test_without_out_nothing_is_compiled(tmp_path: Path) -> None:
    code, _, err = bongsu(world(tmp_path, "01-ratio"), "compile", "--compat", "sloth")
    assert code == 2
    assert "--compat sloth needs --out" in err
    assert not (tmp_path / "deploy").exists()


def test_what_stands_in_the_folder_is_neither_removed_nor_overwritten(tmp_path: Path) -> None:
    root = world(tmp_path, "01-ratio")
    (root / "sloth").mkdir()
    (root / "sloth/mine.yml").write_text("groups: []\n", encoding="utf-8")
    assert compat(root)[0] == 0
    (root / "sloth/01-ratio.rules.yml").write_text("groups: []\n", encoding="utf-8")
    code, _, err = compat(root)
    assert code == 1
    assert "01-ratio.rules.yml exists and is not bongsu's" in err
    assert (root / "sloth/01-ratio.rules.yml").read_text(encoding="utf-8") == "groups: []\n"
    assert (root / "sloth/mine.yml").exists()


def test_check_compares_and_writes_nothing(tmp_path: Path) -> None:
    root = world(tmp_path, "01-ratio")
    code, _, err = compat(root, "--check")
    assert code == 1
    assert "not what `bongsu compile --compat sloth` would write" in err
    assert not (root / "sloth").exists()
    compat(root)
    assert compat(root, "--check") == (0, "2 files are up to date\n", "")


def test_sloths_flags_have_their_names(tmp_path: Path) -> None:
    root = world(tmp_path, "10-extra-labels")
    (root / "slo/shop.yaml").write_text("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: shop}\nspec: {}\n")
    assert compat(root, "-l", "region=kr", "--extra-labels", "env=prod")[0] == 0
    made = (root / "sloth/10-extra-labels.rules.yml").read_text(encoding="utf-8")
    assert differences((GOLDENS / "10-extra-labels.rules.yml").read_text(encoding="utf-8"), made) == []
    assert compat(root, "--disable-recordings", out="alerts")[0] == 0
    assert sum(len(g["rules"]) for g in groups_of((root / "alerts/10-extra-labels.rules.yml").read_text())) == 2
    assert compat(root, "--disable-alerts", "--default-slo-period", "28d", out="records")[0] == 0
    made = (root / "records/10-extra-labels.rules.yml").read_text(encoding="utf-8")
    assert "slo:sli_error:ratio_rate4w" in made
    assert "alert:" not in made


@pytest.mark.parametrize(
    "argv", [("-l", "no-equals"), ("-l", "9a=b"), ("-l", "a="), ("--default-slo-period", "a month")]
)
def test_a_flag_that_cannot_be_meant_is_wrong_use(tmp_path: Path, argv: tuple[str, ...]) -> None:
    assert compat(world(tmp_path, "01-ratio"), *argv)[0] == 2


def test_both_off_compiles_nothing_and_says_so(tmp_path: Path) -> None:
    code, _, err = compat(world(tmp_path, "01-ratio"), "--disable-alerts", "--disable-recordings")
    assert code == 1
    assert "nothing was compiled" in err


def test_a_tier_that_sloth_would_leave_dead_is_named(tmp_path: Path) -> None:
    root = world(tmp_path, "01-ratio")
    path = root / "slo/01-ratio.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("99.95", "90"), encoding="utf-8")
    code, _, err = compat(root)
    assert code == 0
    assert err == (
        "checkout-orders-accepted: not even a total outage fires Sloth's page-quick at 90 %; "
        "bongsu's own rules fit theirs (docs/sloth.md)\n"
    )


BAD = "sum(rate(orders_total{[{{.window}}]))"
GOOD = 'sum(rate(orders_total{app="checkout",outcome=~"(error|timeout)"}[{{.window}}]))'


def test_a_query_that_is_not_promql_is_refused_at_its_character(tmp_path: Path) -> None:
    root = world(tmp_path, "01-ratio")
    path = root / "slo/01-ratio.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(GOOD, BAD), encoding="utf-8")
    code, _, err = compat(root)
    assert (code, codes(err)) == (1, ["expr/syntax"])
    assert f"slo/01-ratio.yaml:12:{22 + BAD.index('[')}: error" in err
    assert not (root / "sloth").exists()


def test_an_id_twice_is_refused_within_a_file_across_files_and_across_spellings(tmp_path: Path) -> None:
    root = world(tmp_path, "01-ratio", "06-kubernetes")
    text = (GOLDENS / "01-ratio.yaml").read_text(encoding="utf-8")
    (root / "slo/again.yaml").write_text(text + "---\n" + text, encoding="utf-8")
    code, _, err = compat(root)
    assert (code, codes(err)) == (1, ["slo/duplicate"] * 3)
    assert "slo/06-kubernetes.yaml:14:13: error [slo/duplicate] SLO checkout-orders-accepted is declared twice" in err
    assert "slo/again.yaml:7:11" in err
    assert "slo/again.yaml:35:11" in err


def test_all_problems_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    root = world(tmp_path, "01-ratio", "02-raw")
    for name, old, new in (("01-ratio", "page_alert", "pageAlert"), ("02-raw", "objective: 97", "objective: 101")):
        path = root / f"slo/{name}.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    code, _, err = compat(root)
    assert (code, codes(err)) == (1, ["spec/unknown-key", "slo/objective"])
    assert "did you mean `page_alert`?" in err


SNOOZE = "  # bongsu snooze 2026-12-31 spec/no-effect: the two teams part this year\n"
LABELS = "  labels: {tags: [a, b]}\n"


@pytest.fixture(name="labelled")
def _labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a world with a label that is not taken, which is put off until the end of 2026; today is a day before."""
    root = build(tmp_path)
    path = root / "slo/shop.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  annotations:", f"{SNOOZE}{LABELS}  annotations:", 1), encoding="utf-8")
    monkeypatch.setattr(sloth, "today", lambda: date(2026, 12, 30))
    return root


def test_what_is_put_off_is_counted_and_not_listed(labelled: Path) -> None:
    code, _, err = compat(labelled)
    assert (code, err) == (0, "1 snoozed, the first until 2026-12-31\n")


def test_the_day_after_its_end_a_snooze_stops_it(labelled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sloth, "today", lambda: date(2027, 1, 1))
    code, _, err = compat(labelled)
    assert (code, codes(err)) == (1, ["snooze/expired"])
    assert "warning [spec/no-effect] the label tags is not taken" in err
    assert not (labelled / "sloth").exists()


def test_a_snooze_of_nothing_is_named_and_one_of_what_is_not_asked_is_not_counted(labelled: Path) -> None:
    path = labelled / "slo/shop.yaml"
    text = path.read_text(encoding="utf-8").replace(LABELS, "")
    path.write_text(text, encoding="utf-8")
    code, _, err = compat(labelled)
    assert code == 0
    assert "warning [snooze/useless] there is no spec/no-effect to snooze here" in err
    assert "snoozed, the first" not in err
