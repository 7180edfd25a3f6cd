from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bongsu.chaos.fingerprint import fingerprint
from bongsu.chaos.model import Verdict
from bongsu.chaos.run import run_experiment
from tests.support.faultline import check_fault_line
from tests.unit.chaos.simulation import STEPS, Simulation, fault_line, make_plan, prove, run_virtually


def test_an_experiment_whose_runbook_heals_passes_with_every_time_in_order() -> None:
    outcome = prove(Simulation())
    assert (outcome.verdict, outcome.reason) == (Verdict.PASSED, "every alert fired, was delivered and cleared")
    for trace in outcome.traces:
        times = [trace.pending_at, trace.firing_at, trace.delivered_at, trace.cleared_at]
        assert None not in times
        assert times == sorted(times, key=float)  # type: ignore[arg-type]
    order = ["injected", "observed", "paged", "runbook_started", "runbook_ended", "undone"]
    seen = [event.name for event in outcome.events if event.name in order]
    assert seen == order


@pytest.mark.parametrize(
    ("sim", "verdict"),
    [
        (Simulation(pass_through=True), Verdict.FAULT_NOT_OBSERVED),
        (Simulation(heals=False), Verdict.NOT_CLEARED),
        (Simulation(stop_after_act=True), Verdict.NOT_CLEARED),
        (Simulation(drop=True), Verdict.ALERT_LOST),
        (Simulation(other_labels_delivered=True), Verdict.ALERT_LOST),
        (Simulation(page_twice=True), Verdict.PAGED_TWICE),
        (Simulation(firing_before=True), Verdict.ALREADY_FIRING),
        (Simulation(hang="probe"), Verdict.HUNG),
        (Simulation(hang="prometheus"), Verdict.HUNG),
        (Simulation(hang="receiver"), Verdict.HUNG),
        (Simulation(probe_ok=False), Verdict.GATE_FAILED),
        (Simulation(undo_works=False), Verdict.NOT_UNDONE),
        (Simulation(slow_traffic=0.5), Verdict.TRAFFIC_TOO_LOW),
        (Simulation(action_ok=False), Verdict.RUNBOOK_FAILED),
    ],
    ids=lambda value: value.value if isinstance(value, Verdict) else "",
)
def test_each_defect_ends_with_its_own_verdict(sim: Simulation, verdict: Verdict) -> None:
    assert prove(sim).verdict is verdict


def test_a_runbook_without_its_step_does_not_clear() -> None:
    assert prove(Simulation(), replace(STEPS, act=())).verdict is Verdict.NOT_CLEARED


def test_alerts_that_clear_for_want_of_traffic_are_not_cleared() -> None:
    outcome = prove(Simulation(stop_after_act=True))
    assert "succeeded since the runbook" in outcome.reason


def test_a_fault_that_never_fires_the_alert_is_named_with_ideal_and_deadline() -> None:
    plan = make_plan()
    late = tuple(replace(e, fire_within=3.0) for e in plan.expectations)
    outcome = prove(Simulation(), plan=replace(plan, expectations=late))
    assert outcome.verdict is Verdict.NOT_FIRED
    assert "did not fire within 3.0 s (ideal" in outcome.reason


@pytest.mark.parametrize(
    "sim", [Simulation(), Simulation(heals=False), Simulation(drop=True), Simulation(hang="receiver")]
)
def test_the_fault_is_undone_whatever_happens(sim: Simulation) -> None:
    outcome = prove(sim)
    assert outcome.at("undone") is not None
    assert not sim.broken(sim.undone_at)


def test_an_interrupted_experiment_undoes_the_fault_before_it_ends() -> None:
    sim = Simulation()

    async def interrupt() -> None:
        task = asyncio.ensure_future(run_experiment(make_plan(), sim.world(), STEPS, fingerprint, lambda _: None))
        await asyncio.sleep(70)
        assert sim.broken(sim.now())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not sim.broken(sim.now())

    run_virtually(interrupt())


def test_the_lease_is_renewed_while_the_experiment_lives_and_no_longer() -> None:
    sim = Simulation()
    prove(sim)
    assert sim.renewed >= 2
    assert sim.undone_at < float("inf")


def test_the_simulated_fault_line_keeps_the_promises_of_the_real_one() -> None:
    run_virtually(check_fault_line(fault_line(Simulation())))


def test_tiers_that_are_not_covered_stay_named_in_the_plan() -> None:
    assert make_plan().not_covered == ("AnswersBudgetBurn critical tier=slow",)


def test_a_notification_is_matched_by_the_fingerprint_of_prometheus_labels() -> None:
    # Alertmanager's own values are compared live in tests/real/test_prove.py.
    assert fingerprint({}) == "cbf29ce484222325"
    assert fingerprint({"b": "2", "a": "1"}) == fingerprint({"a": "1", "b": "2"})
    assert fingerprint({"a": "12"}) != fingerprint({"a": "1", "2": ""})
