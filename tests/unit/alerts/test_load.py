from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.alerts.load import load
from bongsu.alerts.model import Alerts
from bongsu.core.diagnostics import Problem

FOLDER = Path(__file__).parents[3] / "alerts"
TEXTS = {f"alerts/{path.name}": path.read_text(encoding="utf-8") for path in FOLDER.glob("*.yaml")}


def read(**changes: tuple[str, str]) -> tuple[Alerts, list[Problem]]:
    texts = dict(TEXTS)
    for stem, (old, new) in changes.items():
        assert texts[f"alerts/{stem}.yaml"].count(old) >= 1
        texts[f"alerts/{stem}.yaml"] = texts[f"alerts/{stem}.yaml"].replace(old, new, 1)
    return load(texts)


def test_the_shipped_alerts_are_the_rules_of_the_mission() -> None:
    alerts, problems = read()
    assert problems == []
    assert [
        (a.name, a.rule, [(level.severity, level.threshold) for level in a.levels], a.hold) for a in alerts.alerts
    ] == [
        ("ApiDown", "M4", [("critical", 1)], 60),
        ("AvailabilityLow", "A2a", [("critical", 0.9), ("warning", 0.95)], 0),
        ("BackupDamaged", "O3", [("critical", 0)], 0),
        ("BackupFailing", "O3", [("critical", 4), ("warning", 1)], 0),
        ("BackupHung", "O3", [("critical", 1), ("warning", 0.5)], 0),
        ("BackupLate", "O3", [("critical", 6), ("warning", 2)], 300),
        ("BackupNeverSucceeded", "O3", [("critical", 1)], 300),
        ("CostBudgetHigh", "A2e", [("critical", 0.95), ("warning", 0.8)], 0),
        ("CpuHigh", "A2d", [("critical", 0.9), ("warning", 0.8)], 300),
        ("DiskHigh", "A2d", [("critical", 0.9), ("warning", 0.8)], 300),
        ("DrillStale", "O4", [("warning", 2592000)], 0),
        ("ErrorsHigh", "A2c", [("critical", 50), ("warning", 10)], 0),
        ("LlmCallsFailing", "M5", [("warning", 0.1)], 0),
        ("MemoryHigh", "A2d", [("critical", 0.9), ("warning", 0.8)], 300),
        ("ProcessRestarting", "M4", [("warning", 3)], 0),
        ("ProofStale", "proof", [("info", 2592000)], 0),
        ("QueueStuck", "M2", [("critical", 300), ("warning", 60)], 60),
        ("SearchFailing", "M5", [("warning", 0.2)], 0),
        ("SimpleAnswersSlow", "A2b", [("critical", 30), ("warning", 10)], 0),
        ("VectorQueriesFailing", "M5", [("warning", 0.05)], 0),
        ("WalLag", "O4", [("critical", 900), ("warning", 300)], 60),
        ("WatcherDown", "meta", [("warning", 1)], 60),
    ]


def test_levels_reach_who_the_mission_says() -> None:
    routes = read()[0].routes
    assert routes is not None
    assert {route.severity: set(route.channels) for route in routes.routes} == {
        "critical": {"pagerduty", "record"},
        "warning": {"email", "slack", "record"},
        "info": {"note"},
    }
    assert next(route for route in routes.routes if route.severity == "critical").group_by == ("service",)


@pytest.mark.parametrize(
    ("stem", "change", "what"),
    [
        ("errors", ("name: ErrorsHigh", "name: errors high"), "'errors high' is not a CamelCase alert name"),
        ("errors", ("unit: short", "unit: shorts"), "unit cannot be 'shorts'"),
        ("errors", ("unit: short", "unit: short\nlabels: {severity: high}"), "the label 'severity' cannot be set here"),
        (
            "resources",
            ("for: 5m", "for: 5 minutes"),
            "for: '5 minutes' is not a duration: write it like 30s, 5m, 1h30m or 30d",
        ),
        (
            "work",
            ("keep_firing_for: 5m", "keep_firing_for: 1"),
            "keep_firing_for: '1' is not a duration: write it like 30s, 5m, 1h30m or 30d",
        ),
        ("work", ("keep_firing_for: 5m", "keep_firing_for: 25h"), "keep_firing_for is longer than 1d"),
        ("work", ("keep_firing_for: 5m", "keep_firing_for: 0s"), "keep_firing_for of 0s has no effect"),
        ("errors", ("{threshold: 10}", "{threshold: ten}"), "levels.warning.threshold must be a number"),
        ("routes", ("target: warning", "target: critical"), "a severity cannot silence itself"),
        (
            "routes",
            ("  grafana: https://grafana.example.com", "  grafana: grafana"),
            "'grafana' is not an http address",
        ),
        ("routes", ("    note: http://alert-recorder:9095/webhook/note", ""), "no webhook note"),
        ("routes", ("kind: Routes", "kind: Routs"), "kind cannot be 'Routs'"),
    ],
)
def test_a_wrong_value_is_named(stem: str, change: tuple[str, str], what: str) -> None:
    assert what in [problem.what for problem in read(**{stem: change})[1]]


def test_a_duration_that_is_none_is_one_problem() -> None:
    assert [p.code for p in read(work=("keep_firing_for: 5m", "keep_firing_for: soon"))[1]] == ["spec/value"]


def test_an_alert_may_go_on_firing_for_a_day_and_does_not_unless_it_says_so() -> None:
    alerts, problems = read(work=("keep_firing_for: 5m", "keep_firing_for: 1d"))
    assert problems == []
    assert {alert.name: alert.keep for alert in alerts.alerts if alert.keep} == {"ProcessRestarting": 86400}


def test_an_alert_without_levels_is_refused() -> None:
    text = TEXTS["alerts/cost.yaml"].split("levels:")[0] + "levels: {}\n"
    assert [problem.what for problem in load({**TEXTS, "alerts/cost.yaml": text})[1]] == ["an alert needs a level"]


def test_routes_are_declared_exactly_once() -> None:
    routes = TEXTS["alerts/routes.yaml"]
    assert [p.what for p in load({**TEXTS, "alerts/z.yaml": routes})[1]] == ["2 documents of kind Routes"]
    without = {name: text for name, text in TEXTS.items() if name != "alerts/routes.yaml"}
    assert [p.what for p in load(without)[1]] == ["no document of kind Routes"]
    assert [p.code for p in load({**TEXTS, "alerts/routes.yaml": "a: ["})[1]] == ["yaml/syntax"]
