"""Promtool tests written for threshold alerts pass on the rules compiled from them, and turn red where those differ."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bongsu.alerts.compile import compile_alerts
from bongsu.alerts.load import load
from bongsu.alerts.replay import compile_alert_replays
from bongsu.slo.rules import Links
from tests.support.promtool import replayed

if TYPE_CHECKING:
    from pathlib import Path

    from bongsu.core.replay import Replay

LINKS = Links("https://git.example.com", "https://grafana.example.com")
BODY = """
apiVersion: bongsu/v1
kind: Alert
name: ShopBroken
rule: E1
service: shop
metric: x
unit: short
summary: {en: Broken., ko: 고장}
description: {en: Broken., ko: 고장}
labels: {team: a}
levels:
  warning: {threshold: 10}
  critical: {threshold: 50}
"""
EXPRESSIONS = {
    "a gauge": ("max by (shop) (x) > {{.threshold}}", "for: 5m"),
    "a gauge that is too low": ("min(x{env='live'}) <= {{.threshold}}", ""),
    "a share of events with a floor": (
        """sum by (shop) (rate(x{code=~"5.."}[5m])) / sum by (shop) (rate(x[5m])) * 100 > {{.threshold}}
        and sum by (shop) (increase(x{code=~"5.."}[5m])) > 4.5""",
        "",
    ),
    "a count that lingers": ("round(sum(increase(x[15m]))) > {{.threshold}}", "keep_firing_for: 10m"),
    "an age": ("(time() - max by (shop) (x)) / 60 > {{.threshold}}", "for: 2m"),
    "a quantile": ("histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m]))) > {{.threshold}}", ""),
    "either of two": ("x{kind='a'} > {{.threshold}}\nor x{kind='b'} > 2 * {{.threshold}}", "for: 1m"),
    "what was otherwise a day ago": ("max(x) < {{.threshold}} and max(max_over_time(x[1d])) > 1000", "for: 1m"),
    "less than a week ago": ("100 * sum(rate(x[5m])) / sum(rate(x[5m] offset 1w)) < {{.threshold}}", ""),
}


def replays(expr: str, more: str = "", factor: float = 1.0) -> tuple[list[Replay], dict[str, str]]:
    lines = "\n".join(f"  {line}" for line in expr.splitlines())
    found, problems = load({"alerts/a.yaml": f"{BODY}{more}\nexpr: |\n{lines}\n"})
    assert {problem.code for problem in problems} <= {"spec/documents"}
    return compile_alert_replays(found.alerts, compile_alerts(found.alerts, LINKS, factor), factor)


@pytest.mark.parametrize("kind", EXPRESSIONS)
def test_what_an_alert_is_compiled_into_fires_is_silent_and_clears(kind: str, tmp_path: Path) -> None:
    made, without = replays(*EXPRESSIONS[kind])
    assert without == {}
    assert made
    assert replayed(made, tmp_path) == ""


def test_rules_in_compressed_time_are_replayed_in_compressed_time(tmp_path: Path) -> None:
    made, without = replays(*EXPRESSIONS["a share of events with a floor"], factor=60.0)
    assert without == {}
    assert "[5s]" in made[0].rules
    assert replayed(made, tmp_path) == ""


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("a gauge", "> 50", "> 50.2"),
        ("a gauge", "> 10", "> 9.95"),
        ("a gauge", "> 10", "< 10"),
        ("a gauge", "max by (shop)", "min by (shop)"),
        ("a gauge", "max by (shop)", "max"),
        ("a gauge", "severity: critical", "severity: warning"),
        ("a gauge", "team: a", "team: b"),
        ("a gauge", "for: 5m", "for: 4m"),
        ("a gauge", "for: 5m", "for: 6m"),
        ("a gauge", "        for: 5m\n", ""),
        ("a gauge that is too low", "<= 10", "< 9.9"),
        ("a gauge that is too low", "{env=''live''}", ""),
        ("a share of events with a floor", "> 4.5", "> 4.6"),
        ("a share of events with a floor", "> 4.5", "> 4.4"),
        ("a share of events with a floor", "5..", "4.."),
        ("a share of events with a floor", "and sum", "or sum"),
        ("a share of events with a floor", "increase", "rate"),
        ("a share of events with a floor", "(increase(x", "(delta(x"),
        ("a count that lingers", "increase", "rate"),
        ("a count that lingers", "[15m]", "[14m]"),
        ("a count that lingers", "keep_firing_for: 10m", "keep_firing_for: 20m"),
        ("a count that lingers", "        keep_firing_for: 10m\n", ""),
        ("an age", "> 50", "> 50.2"),
        ("a quantile", "0.9", "0.8"),
        ("either of two", "2 * 10", "3 * 10"),
        ("what was otherwise a day ago", "1000", "1000000000"),
        ("less than a week ago", "offset 1w", "offset 1m"),
    ],
)
def test_a_rule_that_is_not_what_the_file_says_turns_its_replay_red(
    kind: str, right: str, wrong: str, tmp_path: Path
) -> None:
    made, _ = replays(*EXPRESSIONS[kind])
    changed = [replace(one, rules=one.rules.replace(right, wrong)) for one in made]
    assert changed != made
    assert "FAILED" in replayed(changed, tmp_path)


@pytest.mark.parametrize(
    ("expr", "why"),
    [
        ("deriv(x[5m]) > {{.threshold}}", "deriv() is not known here"),
        ("x > {{.threshold}} and rate(x[5m]) > 0", "x is a counter"),
        ("vector(20) > {{.threshold}}", "it reads 0 kinds of series"),
        ("max(x) * 0 > {{.threshold}}", "no series were found with which it just fires as critical"),
    ],
)
def test_an_alert_without_a_replay_is_named_with_the_reason(expr: str, why: str) -> None:
    made, without = replays(expr)
    assert made == []
    assert why in without["ShopBroken"]
