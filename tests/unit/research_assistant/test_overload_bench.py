"""The overload bench judges what it measured: each defect planted in the measurements turns its own line red."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.overload import Phase, _judge, _judge_limit
from bench.support.figures import Figures

ROOT = Path(__file__).parents[3]
IDLE = Phase({"interactive 202": 60}, 1.0, [0.02] * 60)
OVER = Phase({"batch 202": 900, "batch 503": 4_000, "interactive 202": 200}, 5.0, [0.03] * 200)


def judged(over: Phase, idle: Phase = IDLE) -> list[str]:
    figures = Figures()
    _judge(figures, idle, 5.0, over)
    return figures.missed


def test_a_service_that_holds_is_called_so() -> None:
    assert judged(OVER) == []


@pytest.mark.parametrize(
    ("over", "line"),
    [
        (replace(OVER, goodput=4.7), "goodput at 5 times that"),
        (replace(OVER, waits=[0.05] * 200), "interactive p95 queue wait"),
        (replace(OVER, counts=OVER.counts | {"interactive 503": 1}), "batch shed / interactive shed"),
        (replace(OVER, counts={"interactive 202": 200}), "batch shed / interactive shed"),
        (replace(OVER, counts=OVER.counts | {"batch without Retry-After": 1}), "refusals without Retry-After"),
        (replace(OVER, counts=OVER.counts | {"batch 500": 1}), "other answers"),
        (replace(OVER, counts=OVER.counts | {"batch 0": 1}), "other answers"),
    ],
)
def test_a_planted_defect_turns_its_line_red(over: Phase, line: str) -> None:
    assert judged(over) == [line]


def test_a_system_that_is_slow_when_idle_does_not_hide_behind_the_ratio() -> None:
    polled = [0.4] * 60
    assert judged(replace(OVER, waits=polled), replace(IDLE, waits=polled)) == ["interactive p95 queue wait, idle"]


@pytest.mark.parametrize(("taken", "good"), [(380, True), (381, True), (382, False), (378, False), (4_000, False)])
def test_a_limit_of_a_tenant_that_is_off_by_more_than_one_turns_red(taken: int, good: bool) -> None:
    figures = Figures()
    _judge_limit(figures, taken, 180.0)
    assert figures.missed == ([] if good else ["per-tenant limit over two processes"])


def test_the_scenario_spreads_its_interactive_orders_evenly() -> None:
    """In a process of its own: importing locust replaces the sockets of the one that does."""
    code = (
        "from bench.support.overload_locust import priority_of as p; print([n for n in range(100) if p(n)[0] == 'i'])"
    )
    argv = [sys.executable, "-c", code]
    env = {"OVERLOAD_INTERACTIVE": "0.04", "PATH": ""}
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[24, 49, 74, 99]"
