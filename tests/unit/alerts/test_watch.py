"""When the watcher speaks: once when a part falls silent, once when it is back; of the dead part, not of its echo."""

from __future__ import annotations

from bongsu.alerts.watch import Watch
from bongsu.alerts.watchdog import EVALUATED_AT, NAME, evaluated_at

LATE = 45.0
START = 1_000_000.0


def fresh() -> Watch:
    return Watch(LATE, dict.fromkeys(("prometheus", "alertmanager", "receiver", "pipeline"), START))


def said(watch: Watch, now: float) -> list[tuple[str, str]]:
    due = watch.due(now)
    for message in due:
        watch.done(message)
    return [(message.part, message.status) for message in due]


def heard(watch: Watch, at: float, *silent: str) -> None:
    for part in watch.well:
        if part not in silent:
            watch.seen(part, at)


def test_silence_is_told_once_and_the_return_once() -> None:
    watch = fresh()
    heard(watch, START + 40, "prometheus", "pipeline")
    assert said(watch, START + 45) == []
    assert said(watch, START + 46) == [("prometheus", "firing")]
    heard(watch, START + 50, "prometheus", "pipeline")
    assert said(watch, START + 51) == []
    heard(watch, START + 60)
    assert said(watch, START + 61) == [("prometheus", "resolved")]
    assert said(watch, START + 62) == []


def test_a_silent_heartbeat_is_told_only_when_no_dead_part_explains_it() -> None:
    watch = fresh()
    heard(watch, START + 46, "pipeline")
    assert said(watch, START + 47) == [("pipeline", "firing")]
    watch = fresh()
    heard(watch, START + 46, "pipeline", "alertmanager")
    assert said(watch, START + 47) == [("alertmanager", "firing")]


def test_a_part_on_its_way_to_an_incident_holds_the_message_about_its_echo_back() -> None:
    watch = fresh()
    heard(watch, START + 20, "pipeline")
    assert said(watch, START + 46) == []


def test_what_was_not_delivered_is_due_again() -> None:
    watch = fresh()
    heard(watch, START + 50, "receiver")
    assert [one.part for one in watch.due(START + 51)] == ["receiver"]
    assert [one.part for one in watch.due(START + 52)] == ["receiver"]


def test_both_languages_say_what_it_means_and_since_when() -> None:
    watch = fresh()
    heard(watch, START + 50, "receiver")
    (message,) = watch.due(START + 50)
    assert message.text.endswith("nobody is told. Last well 1970-01-12T13:46:40+00:00, 50 s ago.")
    assert message.text_ko.endswith("마지막 정상: 1970-01-12T13:46:40+00:00, 50초 전.")


def test_a_part_that_nobody_watches_is_never_told_and_old_news_change_nothing() -> None:
    watch = Watch(LATE, {"pipeline": START})
    watch.seen("receiver", START + 99)
    watch.seen("pipeline", START - 10)
    assert watch.well == {"pipeline": START}


def test_a_heartbeat_brings_the_time_of_its_evaluation_and_anything_else_is_none() -> None:
    alert = {"labels": {"alertname": NAME}, "annotations": {EVALUATED_AT: "12.500"}}
    assert evaluated_at({"alerts": [{"labels": {"alertname": "Other"}}, alert]}) == 12.5
    for body in ({}, {"alerts": 3}, {"alerts": [3]}, {"alerts": [{"labels": {"alertname": NAME}}]}, {"alerts": []}):
        assert evaluated_at(body) is None
