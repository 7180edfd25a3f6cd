from __future__ import annotations

from typing import Any

import pytest

from bongsu.local.receiver.pagerduty import problems, without_secret

KEY = "0123456789abcdef0123456789abcdef"


def event(**changes: Any) -> dict[str, Any]:
    payload = {"summary": "LLM errors", "source": "bongsu", "severity": "critical"}
    return {"routing_key": KEY, "event_action": "trigger", "dedup_key": "k", "payload": payload, **changes}


def payload(**changes: Any) -> dict[str, Any]:
    return event(payload={**event()["payload"], **changes})


def test_a_whole_event_is_accepted() -> None:
    assert problems(event()) == []
    assert problems(event(event_action="resolve", payload=None)) == []


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (event(routing_key=None), "'routing_key' is missing or blank"),
        (event(routing_key="short"), "Length of 'routing_key' is incorrect (should be 32 characters)"),
        (event(routing_key="+" * 32), "'routing_key' cannot contain non-alphanumeric characters."),
        (event(event_action=""), "'event_action' is missing or blank"),
        (event(event_action="shout"), "'event_action' is invalid (must be one of trigger, acknowledge, resolve)"),
        (event(event_action="resolve", dedup_key=None), "'dedup_key' is missing or blank"),
        (event(dedup_key=5), "'dedup_key' is invalid (must be a string)"),
        (event(dedup_key="k" * 256), "Length of 'dedup_key' is incorrect (should be at most 255 characters)"),
        (event(payload=None), "'payload' is missing or blank"),
        (payload(summary=" "), "'payload.summary' is missing or blank"),
        (payload(source=None), "'payload.source' is missing or blank"),
        (payload(severity="page"), "'payload.severity' is invalid (must be one of critical, error, warning, info)"),
        (payload(summary="x" * 1025), "Length of 'payload.summary' is incorrect (should be at most 1024 characters)"),
    ],
)
def test_a_wrong_event_is_refused_with_the_reason(wrong: dict[str, Any], problem: str) -> None:
    assert problems(wrong) == [problem]


def test_all_problems_are_named_at_once() -> None:
    assert len(problems({})) == 2
    assert len(problems({"event_action": "trigger", "routing_key": "!", "payload": {}})) == 5


def test_the_record_does_not_hold_the_routing_key() -> None:
    kept = without_secret(event(), "k")
    assert KEY not in str(kept)
    assert kept["routing_key"].endswith(KEY[-4:])
    assert kept["payload"] == event()["payload"]
