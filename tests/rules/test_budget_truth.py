"""The budget is what was counted: five histories of two days, played by promtool through the rules of a 1-day SLO."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bench.support.history import compiled, sloth
from bench.support.truths import PER_DAY, History, histories
from bongsu.core.conventions import sli_record
from bongsu.core.emit import dump
from bongsu.slo.rules import Group, Recording, rule_file

DAYS, PERIOD, WITHIN = 2, "1d", 0.05
HISTORIES = {history.name: history for history in histories(DAYS)}


def rules(history: History) -> list[Recording]:
    """Return the rules that the budget depends on: two base rates, and the share of bad events of the period."""
    group = compiled(*history.queries(), period=PERIOD, service=history.name)
    needed = [*group.rules[:2], *(r for r in group.rules if getattr(r, "record", "") == sli_record(PERIOD))]
    assert len(needed) == 3
    return [rule for rule in needed if isinstance(rule, Recording)]


def play(history: History, recordings: list[Recording], folder: Path) -> subprocess.CompletedProcess[str]:
    """Ask promtool whether the share of the last day is within 5 % of the true one, and was a number all day."""
    ratio = sli_record(PERIOD)
    series = [("up{instance='demo',job='demo'}", ["1"] * DAYS * PER_DAY)]
    series += [(name, ["_" if v is None else f"{v:g}" for v in values]) for name, values in history.series()]
    asked = [
        (f"max(abs({ratio} / {history.true_share(PER_DAY)!r} - 1)) < bool {WITHIN}", [{"labels": "{}", "value": 1}]),
        (f"count_over_time(({ratio} != {ratio})[{PERIOD}:5m])", []),
    ]
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "5m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": " ".join(values)} for name, values in series],
                "promql_expr_test": [
                    {"expr": expr, "eval_time": f"{DAYS * 24 - 1}h55m", "exp_samples": samples}
                    for expr, samples in asked
                ],
            }
        ],
    }
    (folder / "rules.yml").write_text(rule_file(Group("g", tuple(recordings)), "test"), encoding="utf-8")
    (folder / "budget.test.yml").write_text(dump(test), encoding="utf-8")
    tool = shutil.which("promtool")
    assert tool is not None, "promtool is not on PATH: run `make setup`"
    argv = [tool, "test", "rules", "budget.test.yml"]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", HISTORIES)
def test_the_budget_is_within_five_percent_of_the_true_count(name: str, tmp_path: Path) -> None:
    done = play(HISTORIES[name], rules(HISTORIES[name]), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["night-errors", "peak-errors"])
def test_an_average_of_ratios_is_caught(name: str, tmp_path: Path) -> None:
    history = HISTORIES[name]
    names = (sli_record("5m"), sli_record(PERIOD))
    theirs = [rule for rule in sloth(*history.queries(), PERIOD) if isinstance(rule, Recording)]
    averaged = [rule for rule in theirs if rule.record in names]
    assert len(averaged) == len(names)
    assert play(history, averaged, tmp_path).returncode != 0


def test_failures_on_fresh_labels_that_are_not_counted_are_caught(tmp_path: Path) -> None:
    history = HISTORIES["fresh-labels"]
    bad, *rest = rules(history)
    of_bad, of_all = (query.replace("{{.window}}", "5m") for query in history.queries())
    blind = Recording(bad.record, f"{of_bad} or 0 * {of_all}", bad.labels)
    assert play(history, [blind, *rest], tmp_path).returncode != 0
