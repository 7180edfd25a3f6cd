"""A hundred of the damages that `python -m bench.fuzz` plays by the thousand, and every one that once crashed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.support.fuzz import Case, case_of, files_of, play
from bongsu.core.durations import parse_duration
from bongsu.core.promql_check import fault
from bongsu.core.yaml import load_documents
from bongsu.slo.load import load
from tests.golden.scenario import WORLD, build

FOLDERS = ("slo", "alerts", "dashboards", "runbooks", "chaos/experiments")
SLOTH = """\
version: prometheus/v1
service: till
slos:
  - name: orders
    objective: 99
    sli: {raw: {error_ratio_query: "avg(avg_over_time(up[{{.window}}]))"}}
    alerting: {name: OrdersFail, labels: {team: a}}
"""


def test_no_damage_crashes_the_compiler(tmp_path: Path) -> None:
    root = build(tmp_path)
    texts = {file: (root / file).read_bytes() for file in files_of(root, FOLDERS)}
    cases = [case_of(seed, texts) for seed in range(120)]
    assert [(one.case.seed, one.crash) for case in cases if (one := play(root, case, texts[case.file])).crash] == []


def test_a_crash_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("bench.support.fuzz.check_all", crash)
    root = build(tmp_path)
    own = (root / "bongsu.yaml").read_bytes()
    assert "KeyError" in play(root, Case(0, Path("bongsu.yaml"), own), own).crash


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
@pytest.mark.parametrize("depth", [70, 500, 6000, 100_000])
def test_what_nests_too_deeply_is_a_problem_where_it_does(opened: str, closed: str, depth: int) -> None:
    nodes, problems = load_documents(opened * depth + "x" + closed * depth + "\n", "f.yaml")
    assert [(problem.code, problem.span.line) for problem in problems] == [("yaml/syntax", 1)]
    assert nodes == [] or depth < 100


@pytest.mark.parametrize("text", ["\ud800: 1\n", '"\\ud800": 1\n', 'a: "\\udfff"\n'])
def test_half_a_character_is_a_problem(text: str) -> None:
    assert {problem.code for problem in load_documents(text, "f.yaml")[1]} == {"yaml/syntax"}


@pytest.mark.parametrize("text", ["(" * 60 + "x" + ")" * 60, "x" + "+x" * 5000, "-" * 20_000 + "x", "(" * 20_000])
def test_an_expression_beyond_what_the_parser_survives_is_a_fault(text: str) -> None:
    found = fault(text)
    assert found
    assert "more than" in found.message or "deeper" in found.message


@pytest.mark.parametrize("text", ["9" * 400 + "d", "9" * 5000 + "d", "293y", "\u0663m", "5m\n"])
def test_a_duration_that_prometheus_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|longer than"):
        parse_duration(text)


def test_of_two_slos_with_one_name_a_broken_one_takes_the_windows_of_both() -> None:
    text = (WORLD / "slo/shop.yaml").read_text(encoding="utf-8")
    slo = text.partition("---\n")[2]
    broken = slo.replace("target: 0.99", "target: high")
    assert load({"slo/x.yaml": slo + "---\n" + broken})[0].windows == {}


def test_labels_of_sloths_alerts_compile(tmp_path: Path) -> None:
    root = build(tmp_path)
    own = (root / "slo/shop.yaml").read_bytes()
    outcome = play(root, Case(0, Path("slo/shop.yaml"), own + b"---\n" + SLOTH.encode()), own)
    assert (outcome.crash, outcome.compiled) == ("", True)
