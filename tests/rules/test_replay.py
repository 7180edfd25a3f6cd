"""Alert behaviour, replayed by promtool on the committed rules: what nobody has seen fire counts as absent."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bongsu.alerts.watchdog import NAME as WATCHDOG
from bongsu.cli.catalogue import compile_all, load_catalogue
from bongsu.cli.replay import replays_of, write_replays

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "deploy/rendered/prometheus"
REPLAYS = sorted(Path(__file__).parent.glob("*.test.yml"))
WRITTEN = {replay.name: replay for replay in replays_of(load_catalogue(ROOT), COMMITTED)[0]}
BEHAVIOURS = ("fires", "silent", "clears")


def tool(name: str) -> str:
    """Return the path of a binary; a missing one fails the test, because a skipped proof is no proof."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not on PATH: run `make setup`")
    return found


def play(test: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tool("promtool"), "test", "rules", test.name], cwd=test.parent, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("path", REPLAYS, ids=lambda path: path.name.removesuffix(".test.yml"))
def test_the_rules_behave_as_the_replay_says(path: Path) -> None:
    done = play(path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_compiled_behaves_as_its_definition_says(name: str, tmp_path: Path) -> None:
    write_replays([WRITTEN[name]], tmp_path)
    done = play(tmp_path / f"{name}.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_replayed_firing_silent_and_clearing() -> None:
    catalogue = load_catalogue(ROOT)
    told = {
        slo.alert: str(WRITTEN[f"{slo.id}-{tier.name}"].test) for slo, w in catalogue.slos.watched() for tier in w.tiers
    }
    for path in REPLAYS:
        tests = yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
        alert = path.name.split(".")[0]
        told[alert] = " ".join([told.get(alert, ""), *(test["name"] for test in tests)])
    assert sorted(told) == sorted([*catalogue.alert_spans(), WATCHDOG])
    del told[WATCHDOG]  # it never clears
    assert [(alert, word) for alert, names in told.items() for word in BEHAVIOURS if word not in names] == []


def test_every_rule_of_an_slo_is_in_a_replay() -> None:
    for slo, _ in load_catalogue(ROOT).slos.watched():
        compiled = yaml.safe_load((COMMITTED / f"slo-{slo.id}.rules.yml").read_text(encoding="utf-8"))
        parts = [
            yaml.safe_load(r.rules) for r in WRITTEN.values() if r.subject == slo.id and not r.name.endswith("-whole")
        ]
        replayed = [rule for part in parts for rule in part["groups"][0]["rules"]]
        left = [rule for rule in compiled["groups"][0]["rules"] if rule not in replayed]
        assert left == []


MUTATIONS = [
    ("fast", "(14.4 * 0.01)", "(14.3 * 0.01)"),
    ("fast", "(14.4 * 0.01)", "(14.5 * 0.01)"),
    ("fast", "[10m]", "[15m]"),
    ("fast", "[10m]", "[9m]"),
    ("fast", "> 4.5", "> 5.5"),
    ("fast", "> 4.5", "> 3.5"),
    ("fast", "severity: critical", "severity: warning"),
    ("fast", "and\n          avg_over", "or\n          avg_over"),
    ("slow", "(6 * 0.01)", "(5.9 * 0.01)"),
    ("slow", "[30m]", "[25m]"),
    ("slow", "tier: slow", "tier: fast"),
    ("days", "[3d:5m])\n          / ignoring", "[4d:5m])\n          / ignoring"),
    ("events", "[5m]) unless", "[15m]) unless"),
    ("events", 'kind="run",outcome="bad"', 'outcome="bad"'),
    ("events", 'kind="run",outcome=~"good|bad"', 'kind="run"'),
    ("shares", "[30d:1h]", "[29d:1h]"),
    ("shares", "sloth_window: 30d", "sloth_window: 29d"),
    ("absence", "[30d:1h]", "[29d:1h]"),
    ("target-down", "for: 5m", "for: 10m"),
]


@pytest.mark.parametrize(("part", "old", "new"), MUTATIONS)
def test_a_wrong_rule_turns_its_replay_red(part: str, old: str, new: str, tmp_path: Path) -> None:
    replay = WRITTEN[f"research-assistant-answers-succeed-{part}"]
    assert old in replay.rules
    write_replays([replace(replay, rules=replay.rules.replace(old, new))], tmp_path)
    done = play(tmp_path / f"{replay.name}.test.yml")
    assert done.returncode == 1
    assert "FAILED" in done.stderr


def test_every_committed_rule_file_passes_promtool() -> None:
    files = sorted(str(path) for path in (ROOT / "deploy/rendered/prometheus").glob("*.rules.yml"))
    done = subprocess.run([tool("promtool"), "check", "rules", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


FACTOR = 10
# Left out: what compares with seconds that do not shrink (CPU time, the age of a proof), and the long tiers for time.
SCALABLE = ("AvailabilityLow", "SimpleAnswersSlow", "ErrorsHigh", "MemoryHigh", "DiskHigh")
SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def faster(duration: str) -> str:
    """Return a duration of the replay files (one unit) divided by the factor."""
    milliseconds = int(duration[:-1]) * SECONDS[duration[-1]] * 1000 / FACTOR
    assert milliseconds == int(milliseconds)
    return f"{int(milliseconds)}ms"


def scaled(replay: dict[str, Any]) -> dict[str, Any]:
    """Return the same story told ten times as fast: sample distance, evaluation, questions and their windows."""
    replay["evaluation_interval"] = faster(replay["evaluation_interval"])
    replay["rule_files"] = [Path(name).name for name in replay["rule_files"]]
    for test in replay["tests"]:
        test["interval"] = faster(test["interval"])
        for question in test.get("promql_expr_test", []) + test.get("alert_rule_test", []):
            question["eval_time"] = faster(question["eval_time"])
            if "expr" in question:
                question["expr"] = re.sub(r"(?<=\[)\d+[hm](?=\])", lambda found: faster(found[0]), question["expr"])
    return replay


@pytest.mark.parametrize("name", SCALABLE)
def test_compressed_rules_behave_the_same_in_compressed_time(name: str, tmp_path: Path) -> None:
    replay = scaled(yaml.safe_load((Path(__file__).parent / f"{name}.test.yml").read_text(encoding="utf-8")))
    compiled = compile_all(load_catalogue(ROOT), factor=float(FACTOR))
    for file in replay["rule_files"]:
        (tmp_path / file).write_text(compiled[f"prometheus/{file}"], encoding="utf-8")
    (tmp_path / "replay.yml").write_text(yaml.safe_dump(replay, allow_unicode=True), encoding="utf-8")
    done = subprocess.run(
        [tool("promtool"), "test", "rules", "replay.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("part", ["fast", "slow", "days", "events", "shares", "whole"])
def test_what_is_compiled_for_compressed_time_behaves_the_same_in_it(part: str, tmp_path: Path) -> None:
    replays = {replay.name: replay for replay in replays_of(load_catalogue(ROOT), factor=float(FACTOR))[0]}
    name = f"research-assistant-answers-succeed-{part}"
    write_replays([replays[name]], tmp_path)
    done = play(tmp_path / f"{name}.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr
