from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bongsu.alerts.timing import AlertTiming, timings
from bongsu.chaos.model import Expected, Experiment
from bongsu.chaos.plan import NOISE_SECONDS, make_plan
from bongsu.cli.catalogue import load_catalogue
from bongsu.core.errors import UsageError

ROOT = Path(__file__).parents[3]
CATALOGUE = load_catalogue(ROOT)
EXPERIMENT = next(one for one in CATALOGUE.experiments if one.name == "openai-errors")


def timed(experiment: Experiment) -> list[AlertTiming]:
    return timings(CATALOGUE.slos, CATALOGUE.alerts.alerts, factor=experiment.factor, events_per_second=experiment.rate)


def test_deadlines_of_the_shipped_experiment_are_computed_from_the_rules() -> None:
    plan = make_plan(EXPERIMENT, timed(EXPERIMENT), pipeline=1.5)
    ideal = {str(e.expected): (round(e.ideal_fire, 2), round(e.ideal_clear, 2)) for e in plan.expectations}
    assert ideal == {
        "AnswersBudgetBurn critical tier=fast": (
            3.79,
            4.28,
        ),  # sqrt(2 x 5 m x 10 m x 14.4 %) / 60
        "AvailabilityLow critical kind=run": (0.5, 5.0),  # a tenth of 5 m / 60; 5 m / 60
        "ErrorsHigh critical": (5.67, 15.0),  # 51 errors at 9 a second; 15 m / 60
    }
    burn = plan.expectations[0]
    assert burn.fire_within == pytest.approx(3.79 * 1.5 + 1.5 + NOISE_SECONDS, abs=0.01)
    assert (plan.lead_in, plan.floor, plan.floor_window) == (60.0, 20.0, 5.0)


def test_what_an_experiment_leaves_unproved_is_named() -> None:
    plan = make_plan(EXPERIMENT, timed(EXPERIMENT), pipeline=1.5)
    assert plan.not_covered == (
        "AnswersBudgetBurn critical tier=slow",
        "AnswersBudgetBurn warning tier=day",
        "AnswersBudgetBurn warning tier=days",
        "AvailabilityLow warning",
        "ErrorsHigh warning",
    )


@pytest.mark.parametrize(
    ("experiment", "message"),
    [
        (replace(EXPERIMENT, rate=7.9), "less than twice the floor of 20"),
        (replace(EXPERIMENT, scrape=1.5), "less than 5 scrapes"),
        (replace(EXPERIMENT, factor=600.0, rate=100.0), "less than 5 scrapes"),
        (replace(EXPERIMENT, expects=(Expected("NoSuchAlert", "critical"),)), "no compiled alert is NoSuchAlert"),
        (replace(EXPERIMENT, expects=(Expected("ErrorsHigh", "info"),)), "no compiled alert is ErrorsHigh info"),
    ],
)
def test_an_experiment_that_could_prove_nothing_is_refused(experiment: Experiment, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_plan(experiment, timed(experiment), pipeline=1.5)


def test_an_alert_that_cannot_fire_at_this_rate_is_refused() -> None:
    slow = replace(EXPERIMENT, rate=0.5, expects=(Expected("ErrorsHigh", "critical"),))  # 30 errors in the hour
    with pytest.raises(UsageError, match="cannot fire in a total outage"):
        make_plan(slow, timed(slow), pipeline=1.5)
