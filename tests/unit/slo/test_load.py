from __future__ import annotations

import math
from pathlib import Path

from bongsu.core.diagnostics import Problem
from bongsu.slo.load import load
from bongsu.slo.model import Slos

TEXT = (Path(__file__).parents[3] / "slo/research-assistant.yaml").read_text(encoding="utf-8")
FILE = "slo/x.yaml"


def read(text: str) -> tuple[Slos, list[Problem]]:
    return load({FILE: text})


def codes(text: str) -> list[tuple[str, int]]:
    return [(problem.code, problem.span.line) for problem in read(text)[1]]


def test_the_shipped_slo_is_read_as_it_is_written() -> None:
    slos, problems = read(TEXT)
    (slo,) = slos.slos
    assert problems == []
    assert (slo.id, slo.alert, slo.objective, slo.period) == (
        "research-assistant-answers-succeed",
        "AnswersBudgetBurn",
        0.99,
        "30d",
    )
    assert [service.name for service in slos.services] == ["research-assistant"]
    assert [(tier.name, tier.severity) for tier in slos.tiers(slo)] == [
        ("fast", "critical"),
        ("slow", "critical"),
        ("day", "warning"),
        ("days", "warning"),
    ]


def test_a_target_in_percent_is_the_same_promise() -> None:
    (slo,) = read(TEXT.replace("target: 0.99", "targetPercent: 99.9"))[0].slos
    assert slo.objective == 0.999


def test_a_target_that_is_no_number_is_reported_once() -> None:
    slos, problems = read(TEXT.replace("target: 0.99", "target: high"))
    assert [problem.code for problem in problems] == ["spec/type"]
    assert math.isnan(slos.slos[0].objective)
    assert not slos.slos[0].sane


def test_good_and_bad_together_are_refused() -> None:
    text = TEXT.replace(
        "        total:",
        "        good: {metricSource: {type: Prometheus, spec: {query: 'x[{{.window}}]'}}}\n        total:",
    )
    assert codes(text) == [("spec/value", 29)]


def test_a_window_that_does_not_roll_without_a_calendar_and_a_second_objective_are_refused() -> None:
    text = TEXT.replace("isRolling: true", "isRolling: false").replace(
        "      target: 0.99", "      target: 0.99\n    - target: 0.5"
    )
    assert [problem.what for problem in read(text)[1]] == [
        "a window that does not roll needs a `calendar`",
        "spec.objectives must have exactly one element",
    ]


def test_a_missing_list_is_one_problem_and_not_a_cascade() -> None:
    text = TEXT.replace("  objectives:\n    - displayName: 99 of 100 answers\n      target: 0.99\n", "")
    assert [problem.what for problem in read(text)[1]] == ["spec.objectives is missing"]


def test_the_order_of_files_does_not_matter() -> None:
    other = TEXT.replace("answers-succeed", "other").split("---")[1]
    one, two = {"a.yaml": TEXT, "b.yaml": other}, {"b.yaml": other, "a.yaml": TEXT}
    assert load(one) == load(two)


def test_an_slo_says_how_many_bad_events_its_tiers_wait_for() -> None:
    noted = TEXT.replace("    bongsu/title-ko", '    bongsu/min-bad-events: "12"\n    bongsu/title-ko')
    slos, problems = read(noted)
    assert problems == []
    assert {tier.events for tier in slos.tiers(slos.slos[0])} == {12}
    assert codes(noted.replace('"12"', "a dozen")) == [("spec/value", 17)]


def test_a_period_below_a_day_and_a_broken_objective_have_no_tiers() -> None:
    for broken in (TEXT.replace("duration: 30d", "duration: 12h"), TEXT.replace("target: 0.99", "target: 1.0")):
        assert read(broken)[0].windows == {}


OWN = """\
apiVersion: sloth.slok.dev/v1
kind: AlertWindows
spec:
  sloPeriod: 30d
  page:
    quick: {errorBudgetPercent: 1, shortWindow: 2m, longWindow: 30m}
    slow: {errorBudgetPercent: 5, shortWindow: 30m, longWindow: 6h}
  ticket:
    quick: {errorBudgetPercent: 10, shortWindow: 2h, longWindow: 1d}
    slow: {errorBudgetPercent: 9, shortWindow: 6h, longWindow: 3d}
"""


def test_tiers_of_ones_own_watch_the_slos_of_their_period_as_they_stand() -> None:
    slos, problems = load({FILE: TEXT, "slo/windows.yaml": OWN})
    assert problems == []
    assert [(t.name, t.severity, t.long, t.short, str(t.factor), t.base) for t in slos.tiers(slos.slos[0])] == [
        ("fast", "critical", "30m", "2m", "14.4", "2m"),
        ("slow", "critical", "6h", "30m", "6", "2m"),
        ("day", "warning", "1d", "2h", "3", "2m"),
        ("days", "warning", "3d", "6h", "0.9", "2m"),
    ]
    others = load({FILE: TEXT, "slo/windows.yaml": OWN.replace("sloPeriod: 30d", "sloPeriod: 7d")})[0]
    assert [tier.long for tier in others.tiers(others.slos[0])] == ["10m", "6h", "1d", "3d"]


def test_broken_tiers_are_said_and_never_computed_with() -> None:
    broken = OWN.replace("longWindow: 30m", "longWindow: x").replace("slow: {errorBudgetPercent: 9", "slwo: {x: 9")
    slos, problems = load({FILE: TEXT, "slo/windows.yaml": broken})
    assert {(p.code, p.span.line) for p in problems} >= {("spec/value", 6), ("spec/unknown-key", 10)}
    assert slos.tiers(slos.slos[0])[0].base == "5m"
