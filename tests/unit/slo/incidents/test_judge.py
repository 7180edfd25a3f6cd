"""What alerts were worth, judged on episodes a person can check by eye."""

from __future__ import annotations

from bongsu.core.diagnostics import Span
from bongsu.slo.incidents.judge import episodes, judge
from bongsu.slo.incidents.model import Incident


def incident(start: float, end: float, expect: str = "page") -> Incident:
    return Incident(f"{expect} at {start}", start, end, expect, Span("x"))


def test_evaluations_without_a_gap_are_one_episode_and_a_missed_one_ends_it() -> None:
    assert episodes([30, 0, 15, 60, 75], 15) == [(0, 30), (60, 75)]


def test_detection_counts_from_the_start_and_reset_from_the_end_of_the_incident() -> None:
    verdict = judge("page", [(130, 260)], [incident(100, 200)], tail=100)
    assert [(one.detection, one.reset) for one in verdict.found] == [(30, 60)]
    assert (verdict.recall, verdict.precision) == (1.0, 1.0)


def test_an_incident_nobody_noticed_lowers_recall_and_an_alert_nobody_wanted_precision() -> None:
    verdict = judge("page", [(130, 140), (900, 910)], [incident(100, 200), incident(500, 600)], tail=10)
    assert (verdict.recall, verdict.precision) == (0.5, 0.5)
    assert verdict.false == ((900, 910),)


def test_an_alert_in_the_tail_belongs_to_the_incident_and_one_after_it_is_false() -> None:
    assert judge("page", [(205, 206)], [incident(100, 200)], tail=10).recall == 1.0
    late = judge("page", [(211, 212)], [incident(100, 200)], tail=10)
    assert (late.recall, late.precision) == (0.0, 0.0)


def test_a_page_for_what_deserves_a_ticket_is_false_and_a_ticket_beside_a_page_is_not() -> None:
    fired, labelled = [(110, 120)], [incident(100, 200, "ticket")]
    assert judge("page", fired, labelled, tail=0).precision == 0.0
    assert judge("ticket", fired, labelled, tail=0).precision == 1.0
    assert judge("ticket", fired, [incident(100, 200, "page")], tail=0).precision == 1.0


def test_whoever_is_woken_by_what_was_nothing_was_woken_in_vain() -> None:
    assert judge("ticket", [(110, 120)], [incident(100, 200, "nothing")], tail=0).precision == 0.0


def test_without_incidents_and_alerts_there_is_nothing_to_divide() -> None:
    verdict = judge("page", [], [], tail=0)
    assert (verdict.recall, verdict.precision) == (None, None)
