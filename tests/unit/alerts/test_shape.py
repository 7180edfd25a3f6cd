from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import promql_parser
import pytest

from bongsu.alerts.load import load
from bongsu.alerts.model import Alert
from bongsu.alerts.shape import Guard, Signal, alternatives, fires_below, value_exprs
from bongsu.core.diagnostics import Span
from bongsu.core.promql import Expression

FOLDER = Path(__file__).parents[3] / "alerts"
ALERTS = {a.name: a for a in load({p.name: p.read_text(encoding="utf-8") for p in FOLDER.glob("*.yaml")})[0].alerts}


def of(expr: str) -> Alert:
    return replace(ALERTS["ErrorsHigh"], expr=Expression(expr, Span("f")))


@pytest.mark.parametrize(
    ("name", "signal", "window"),
    [
        ("AvailabilityLow", Signal.RATIO, 300),
        ("SimpleAnswersSlow", Signal.QUANTILE, 300),
        ("ErrorsHigh", Signal.COUNT, 3600),
        ("CpuHigh", Signal.RATIO, 300),
        ("MemoryHigh", Signal.GAUGE, 0),
        ("DiskHigh", Signal.GAUGE, 0),
        ("CostBudgetHigh", Signal.GAUGE, 0),
        ("ProofStale", Signal.AGE, 0),
        ("WalLag", Signal.AGE, 0),
        ("BackupLate", Signal.GAUGE, 0),
        ("BackupNeverSucceeded", Signal.GAUGE, 0),
        ("BackupHung", Signal.GAUGE, 0),
    ],
)
def test_the_signal_is_read_from_the_expression(name: str, signal: Signal, window: float) -> None:
    for found in alternatives(ALERTS[name]):
        assert (found.signal, found.window) == (signal, window)


def test_guards_are_what_stands_beside_the_comparison() -> None:
    (found,) = alternatives(ALERTS["AvailabilityLow"])
    assert (found.op, [(guard.window, guard.count) for guard in found.guards]) == ("<", [(300, 20)])
    (found,) = alternatives(ALERTS["ErrorsHigh"])
    assert found.guards == (Guard("sum(increase(bongsu_errors_total[15m]))", 900, 0),)
    assert alternatives(ALERTS["SimpleAnswersSlow"])[0].quantile == 0.95


def test_a_range_that_only_keeps_the_last_value_is_no_window() -> None:
    (kept,) = alternatives(of("max(last_over_time(x[1d])) > {{.threshold}}"))
    (averaged,) = alternatives(of("max(avg_over_time(x[1d])) + max(last_over_time(y[1h])) > {{.threshold}}"))
    assert [(one.signal, one.window) for one in (kept, averaged)] == [(Signal.GAUGE, 0), (Signal.RATIO, 86400)]


def test_a_server_and_a_container_are_two_ways_to_fire() -> None:
    assert len(alternatives(ALERTS["CpuHigh"])) == 2
    assert len(value_exprs(ALERTS["MemoryHigh"])) == 2


@pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS.keys())
def test_what_a_panel_draws_is_promql_without_a_threshold(alert: Alert) -> None:
    for expr in value_exprs(alert):
        promql_parser.parse(expr)
        assert "threshold" not in expr


def test_the_direction_is_read_from_the_comparison() -> None:
    assert fires_below(ALERTS["AvailabilityLow"])
    assert not fires_below(ALERTS["ErrorsHigh"])


def test_an_arm_after_unless_is_no_guard() -> None:
    (found,) = alternatives(of("sum(increase(x[1h])) > {{.threshold}} unless on () up == 0"))
    assert found.guards == ()
