from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.chaos.load import parse_experiment

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
