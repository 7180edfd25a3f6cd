"""Alert behaviour, replayed by promtool on the committed rules: what nobody has seen fire counts as absent."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bongsu.cli.catalogue import compile_all, load_catalogue
from bongsu.cli.replay import REPLAYS as FOLDER
from bongsu.cli.replay import write_replays

ROOT = Path(__file__).parents[2]
REPLAYS = sorted(Path(__file__).parent.glob("*.test.yml"))
BEHAVIOURS = ("fires", "silent", "clears")


COMMITTED = ROOT / "deploy/rendered/prometheus"


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


@pytest.fixture(scope="session")
def tiers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the replays of the burn-rate tiers on the committed rules; return their folder."""
    folder = tmp_path_factory.mktemp("tiers")
    write_replays(load_catalogue(ROOT), folder, COMMITTED)
    return folder / FOLDER


@pytest.mark.parametrize("path", REPLAYS, ids=lambda path: path.name.removesuffix(".test.yml"))
def test_the_rules_behave_as_the_replay_says(path: Path) -> None:
    done = play(path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("tier", ["fast", "slow", "day", "days"])
def test_a_burn_rate_tier_behaves_as_its_definition_says(tier: str, tiers: Path) -> None:
    done = play(tiers / f"research-assistant-answers-succeed-{tier}.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_replayed_firing_silent_and_clearing(tiers: Path) -> None:
    described: dict[str, str] = {}
    for path in [*REPLAYS, *tiers.glob("*.test.yml")]:
        tests = yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
        alert = tests[0]["name"].split()[0] if path.parent == tiers else path.name.removesuffix(".test.yml")
        names = " ".join(test["name"] for test in tests)
        described[alert] = f"{described.get(alert, '')} {names}"
    assert sorted(described) == sorted(load_catalogue(ROOT).alert_spans())
    missing = [(alert, word) for alert, names in described.items() for word in BEHAVIOURS if word not in names]
    assert missing == []


def test_every_tier_of_every_slo_has_a_replay_of_its_own(tiers: Path) -> None:
    slos = load_catalogue(ROOT).slos
    wanted = {f"{slo.id}-{tier.name}" for slo in slos.slos for tier in slos.tiers(slo)}
    assert wanted == {path.name.removesuffix(".test.yml") for path in tiers.iterdir()}


MUTATIONS = [
    ("fast", "(14.4 * 0.01)", "(11.4 * 0.01)"),
    ("fast", "(14.4 * 0.01)", "(18.4 * 0.01)"),
    ("fast", "[10m]", "[20m]"),
    ("fast", "[10m]", "[5m]"),
    ("fast", "> 4.5", "> 40"),
    ("fast", "> 4.5", "> 1"),
    ("fast", "severity: critical", "severity: warning"),
    ("fast", "[5m]) unless", "[15m]) unless"),
    ("fast", 'kind="run",outcome="bad"', 'outcome="bad"'),
    ("fast", 'kind="run",outcome=~"good|bad"', 'kind="run"'),
    ("fast", "and\n          avg_over", "or\n          avg_over"),
    ("slow", "(6 * 0.01)", "(5 * 0.01)"),
    ("slow", "[30m]", "[1h]"),
    ("slow", "tier: slow", "tier: fast"),
]


@pytest.mark.parametrize(("tier", "old", "new"), MUTATIONS)
def test_a_wrong_rule_turns_its_replay_red(tier: str, old: str, new: str, tmp_path: Path) -> None:
    rules = COMMITTED / "slo-research-assistant-answers-succeed.rules.yml"
    text = rules.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / rules.name).write_text(text.replace(old, new), encoding="utf-8")
    write_replays(load_catalogue(ROOT), tmp_path, tmp_path)
    done = play(tmp_path / FOLDER / f"research-assistant-answers-succeed-{tier}.test.yml")
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


@pytest.mark.parametrize("tier", ["fast", "slow"])
def test_a_compressed_tier_behaves_the_same_in_compressed_time(tier: str, tmp_path: Path) -> None:
    write_replays(load_catalogue(ROOT), tmp_path, factor=float(FACTOR))
    done = play(tmp_path / FOLDER / f"research-assistant-answers-succeed-{tier}.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr
