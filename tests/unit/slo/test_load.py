from __future__ import annotations

import math
from pathlib import Path

from bongsu.core.diagnostics import Problem
from bongsu.slo.load import load, load_windows, parse_windows
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
    assert codes(text) == [("spec/value", 28)]


def test_a_calendar_window_and_a_second_objective_are_refused() -> None:
    text = TEXT.replace("isRolling: true", "isRolling: false").replace(
        "      target: 0.99", "      target: 0.99\n    - target: 0.5"
    )
    assert [problem.what for problem in read(text)[1]] == [
        "only rolling windows can be compiled",
        "spec.objectives must have exactly one element",
    ]


def test_a_missing_list_is_one_problem_and_not_a_cascade() -> None:
    text = TEXT.replace("  objectives:\n    - displayName: 99 of 100 answers\n      target: 0.99\n", "")
    assert [problem.what for problem in read(text)[1]] == ["spec.objectives is missing"]


def test_the_order_of_files_does_not_matter() -> None:
    other = TEXT.replace("answers-succeed", "other").split("---")[1]
    one, two = {"a.yaml": TEXT, "b.yaml": other}, {"b.yaml": other, "a.yaml": TEXT}
    assert load(one) == load(two)


def test_each_packaged_window_file_names_its_source_and_the_workbooks_factors() -> None:
    windows = load_windows("30d")
    assert windows is not None
    assert windows.source.startswith("https://sre.google/workbook/")
    # Factor = budget share x period / long window: 2, 5, 10 and 10 % of 30 days.
    shares = {"fast": 0.02, "slow": 0.05, "day": 0.1, "days": 0.1}
    for tier in windows.tiers:
        assert math.isclose(float(tier.factor), shares[tier.name] * 30 * 86400 / tier.long_seconds)
        assert tier.long_seconds / tier.short_seconds == 12
    assert load_windows("28d") is None
    assert load_windows("../30d") is None


def test_a_broken_windows_file_is_reported_with_its_place() -> None:
    _, problems = parse_windows(
        "period: 30d\nsource: x\ntiers:\n  - {name: a, long: 1x, short: 5m, factor: 2, severity: loud}\n", "w"
    )
    assert sorted((problem.code, problem.span.column) for problem in problems) == [
        ("spec/value", 21),
        ("spec/value", 57),
    ]
