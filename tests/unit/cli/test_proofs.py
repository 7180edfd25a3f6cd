from __future__ import annotations

import json
from pathlib import Path

import pytest

from bongsu.cli.catalogue import load_catalogue
from bongsu.cli.proofs import (
    digests_of,
    digests_of_drill,
    find_experiment,
    find_named,
    find_runbook,
    proved_by,
)
from bongsu.core.errors import UsageError

ROOT = Path(__file__).parents[3]
CATALOGUE = load_catalogue(ROOT)


def test_an_unknown_experiment_names_the_nearest_one() -> None:
    with pytest.raises(UsageError) as error:
        find_experiment(CATALOGUE, "openai-error")
    assert error.value.next == "did you mean openai-errors?"


def test_an_alert_without_a_runbook_cannot_be_proved() -> None:
    with pytest.raises(UsageError, match="no runbook for Nothing"):
        find_runbook(CATALOGUE, "Nothing")


def test_every_expected_alert_has_digests_of_all_that_its_proof_depends_on() -> None:
    digests = digests_of(ROOT, CATALOGUE, find_experiment(CATALOGUE, "openai-errors"))
    assert set(digests) == {"AnswersBudgetBurn", "AvailabilityLow", "ErrorsHigh"}
    for parts in digests.values():
        assert set(parts) == {"expression", "route", "runbook", "experiment", "lock", "runner"}
    expressions = {parts["expression"] for parts in digests.values()}
    assert len(expressions) == 3, "each alert expires by its own rules"


def test_without_evidence_every_alert_was_proved_never(tmp_path: Path) -> None:
    times = proved_by(ROOT, CATALOGUE, tmp_path)().alerts
    assert set(times) == set(CATALOGUE.alert_spans())
    assert set(times.values()) == {0.0}


def test_valid_evidence_dates_the_alerts_it_proved_and_no_others(tmp_path: Path) -> None:
    experiment = find_experiment(CATALOGUE, "openai-errors")
    record = {
        "previous": "",
        "experiment": experiment.name,
        "verdict": "passed",
        "planted": "",
        "journal": [{"at": 7.0, "event": "ended"}],
        "digests": digests_of(ROOT, CATALOGUE, experiment),
    }
    chain = tmp_path / experiment.name
    chain.mkdir()
    (chain / "00001.json").write_text(json.dumps(record))
    times = proved_by(ROOT, CATALOGUE, tmp_path)().alerts
    assert {alert for alert, at in times.items() if at} == {"AnswersBudgetBurn", "AvailabilityLow", "ErrorsHigh"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, (1000.0, 1.5, 15.0)),
        ({"planted": "flipped-bit"}, None),
        ({"verdict": "rto_missed"}, None),
        ({"digests": {"both-stores-lost": {"drill": "an older one"}}}, None),
    ],
)
def test_a_passed_drill_dates_its_metrics_and_no_other_evidence_does(
    tmp_path: Path, change: dict[str, object], expected: tuple[float, float, float] | None
) -> None:
    drill = find_named(CATALOGUE.drills, "both-stores-lost", "drill", "chaos/drills")
    record = {
        "previous": "",
        "experiment": drill.name,
        "verdict": "passed",
        "planted": "",
        "times": {"answered": 1000.0},
        "rpo_seconds": {"joint": 1.5},
        "rto_seconds": 15.0,
        "journal": [{"at": 1000.0, "event": "ended"}],
        "digests": {drill.name: digests_of_drill(ROOT, CATALOGUE, drill)},
    } | change
    (tmp_path / drill.name).mkdir()
    (tmp_path / drill.name / "00001.json").write_text(json.dumps(record))
    shown = proved_by(ROOT, CATALOGUE, tmp_path)()
    at, rpo, rto = expected or (0.0, None, None)
    assert (shown.drills[drill.name], shown.rpo.get(drill.name), shown.rto.get(drill.name)) == (at, rpo, rto)
