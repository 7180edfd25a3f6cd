from __future__ import annotations

import pytest
import yaml

from bongsu.core.replay import Replay
from bongsu.slo.compile import compile_slos, file_name
from bongsu.slo.replay import compile_replays
from tests.unit.slo.test_compile import LINKS, SLO, SLOS


def replays(factor: float = 1.0) -> dict[str, Replay]:
    files = compile_slos(SLOS, LINKS, factor)
    return {
        r.name.removeprefix(f"{SLO.id}-"): r for r in compile_replays(SLOS, {SLO.id: files[file_name(SLO)]}, factor)
    }


def test_every_tier_and_every_recording_has_a_test_with_a_rule_file_of_its_own() -> None:
    made = replays()
    counts = {name: len(yaml.safe_load(r.rules)["groups"][0]["rules"]) for name, r in made.items()}
    tiers = {"fast": 1, "slow": 1, "day": 1, "days": 1}
    assert counts == tiers | {"target-down": 1, "absence": 1, "shares": 10, "events": 2, "whole": 17}
    assert all(yaml.safe_load(r.test)["rule_files"] == [f"{r.name}.rules.yml"] for r in made.values())


def test_an_alert_is_asked_about_with_all_its_labels_by_name_of_the_story() -> None:
    test = yaml.safe_load(replays()["slow"].test)["tests"][0]
    fires = next(asked for asked in test["promql_expr_test"] if "just above" in asked["expr"])
    assert fires["expr"].startswith("ALERTS # fires just above")
    assert 'severity="critical"' in fires["exp_samples"][0]["labels"]
    assert 'tier="slow"' in fires["exp_samples"][0]["labels"]


def test_no_question_lies_at_a_sample() -> None:
    test = yaml.safe_load(replays()["days"].test)
    assert test["tests"][0]["interval"] == "5m"
    assert test["evaluation_interval"].endswith("15s")


def test_compressed_time_shortens_samples_and_evaluations() -> None:
    assert yaml.safe_load(replays(10.0)["days"].test)["tests"][0]["interval"] == "30s"


def test_absence_is_replayed_at_its_true_windows_only() -> None:
    assert [name for name in replays(10.0) if name in ("absence", "target-down")] == []


def test_a_rule_file_that_lacks_an_alert_is_refused() -> None:
    text = compile_slos(SLOS, LINKS)[file_name(SLO)]
    with pytest.raises(ValueError, match="3 alerts for 4 tiers"):
        compile_replays(SLOS, {SLO.id: text[: text.index("      - alert: SliAbsent")].rpartition("      - alert: ")[0]})
