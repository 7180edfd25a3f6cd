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

ROOT = Path(__file__).parents[2]
REPLAYS = sorted(Path(__file__).parent.glob("*.test.yml"))
BEHAVIOURS = ("fires", "silent", "clears")


def tool(name: str) -> str:
    """Return the path of a binary; a missing one fails the test, because a skipped proof is no proof."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not on PATH: run `make setup`")
    return found


@pytest.mark.parametrize("path", REPLAYS, ids=lambda path: path.name.removesuffix(".test.yml"))
def test_the_rules_behave_as_the_replay_says(path: Path) -> None:
    done = subprocess.run(
        [tool("promtool"), "test", "rules", path.name], cwd=path.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_replayed_firing_silent_and_clearing() -> None:
    described: dict[str, str] = {}
    for path in REPLAYS:
        alert = path.name.removesuffix(".test.yml").split("-")[0]
        names = " ".join(test["name"] for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"])
        described[alert] = f"{described.get(alert, '')} {names}"
    assert sorted(described) == sorted(load_catalogue(ROOT).alert_spans())
    missing = [(alert, word) for alert, names in described.items() for word in BEHAVIOURS if word not in names]
    assert missing == []


def test_every_tier_of_every_slo_has_a_replay_of_its_own() -> None:
    slos = load_catalogue(ROOT).slos
    wanted = {f"{slo.alert}-{tier.name}" for slo in slos.slos for tier in slos.tiers(slo)}
    assert wanted == {path.name.removesuffix(".test.yml") for path in REPLAYS if "-" in path.name.split(".")[0]}


def test_every_committed_rule_file_passes_promtool() -> None:
    files = sorted(str(path) for path in (ROOT / "deploy/rendered/prometheus").glob("*.rules.yml"))
    done = subprocess.run([tool("promtool"), "check", "rules", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


FACTOR = 10
# Left out: what compares with seconds that do not shrink (CPU time, the age of a proof), and the long tiers for time.
SCALABLE = ("AvailabilityLow", "SimpleAnswersSlow", "ErrorsHigh", "MemoryHigh", "DiskHigh", "AnswersBudgetBurn-fast")
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
