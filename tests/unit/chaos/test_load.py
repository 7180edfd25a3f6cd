from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.chaos.load import parse_drill, parse_experiment

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "chaos/experiments/openai-errors.yaml").read_text()
FILE = "chaos/experiments/openai-errors.yaml"
UPSTREAMS = ["llm-primary", "llm-secondary"]


def test_the_experiment_of_this_repository_is_valid() -> None:
    experiment, problems = parse_experiment(TEXT, FILE, UPSTREAMS)
    assert problems == []
    assert experiment is not None
    assert (experiment.factor, experiment.scrape, experiment.rate) == (60.0, 0.5, 9.0)
    assert [str(e) for e in experiment.expects] == [
        "AnswersBudgetBurn critical tier=fast",
        "AvailabilityLow critical kind=run",
        "ErrorsHigh critical",
    ]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("kind: http-error", "kind: http-eror", "spec/value"),
        ("upstream: llm-primary", "upstream: llm-tertiary", "spec/value"),
        ("lease: 10s", "lease: soon", "spec/value"),
        ("factor: 60", "factor: 0.5", "spec/value"),
        ("name: openai-errors", "name: other", "experiment/name"),
        ("runbook: AnswersBudgetBurn", "runbok: AnswersBudgetBurn", "spec/unknown-key"),
        ("  ko: ", "  kr: ", "spec/missing-key"),
        ("rate: 9", "rate: 0", "spec/value"),
    ],
)
def test_each_mistake_is_reported_with_its_code(old: str, new: str, code: str) -> None:
    experiment, problems = parse_experiment(TEXT.replace(old, new), FILE, UPSTREAMS)
    assert experiment is None
    assert code in {problem.code for problem in problems}


def test_two_documents_in_one_file_are_refused() -> None:
    assert parse_experiment(TEXT + "---\n" + TEXT, FILE, UPSTREAMS)[1][0].code == "spec/documents"


DRILL = (ROOT / "chaos/drills/both-stores-lost.yaml").read_text()
DRILL_FILE = "chaos/drills/both-stores-lost.yaml"


def test_the_drill_of_this_repository_is_valid_and_its_bar_lies_inside_the_promise() -> None:
    drill, problems = parse_drill(DRILL, DRILL_FILE, ["a", "b"])
    assert problems == []
    assert drill is not None
    assert (drill.lost, drill.source, drill.markers_per_second) == ("a", "b", 5.0)
    assert (drill.bar.rpo, drill.bar.rto) == (60.0, 120.0)
    assert drill.bar.rpo < drill.bar.promised_rpo
    assert drill.bar.rto < drill.bar.promised_rto


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("repository_lost: a", "repository_lost: c", "spec/value"),
        ("repository_left: b", "repository_left: a", "spec/value"),
        ("latest: 12s", "latest: 1s", "spec/value"),
        ("rate: 5", "rate: 0", "spec/value"),
        ("rpo: 60s", "rpo: soon", "spec/value"),
        ("name: both-stores-lost", "name: other", "experiment/name"),
        ("log_age:", "log_aged:", "spec/unknown-key"),
    ],
)
def test_each_mistake_in_a_drill_is_reported_with_its_code(old: str, new: str, code: str) -> None:
    drill, problems = parse_drill(DRILL.replace(old, new), DRILL_FILE, ["a", "b"])
    assert drill is None
    assert code in {problem.code for problem in problems}


def test_a_drill_without_repositories_says_what_to_add() -> None:
    drill, problems = parse_drill(DRILL, DRILL_FILE, [])
    assert (drill, problems[0].code) == (None, "drill/no-repositories")
    assert "add `backups:`" in problems[0].fix
