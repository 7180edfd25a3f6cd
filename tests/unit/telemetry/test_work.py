"""What an agent does is told in log lines: DEBUG when it starts, INFO when it ends, WARNING for a call that failed."""

from __future__ import annotations

import logging

import pytest

from bongsu.telemetry import work
from bongsu.telemetry.genai import Call


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str | None, str | None]]:
    return [
        (each.levelname, each.getMessage(), each.__dict__.get("outcome"), each.__dict__.get("kind"))
        for each in caplog.records
    ]


def test_a_node_is_told_when_it_starts_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with work.agent("planner"):
        pass
    assert told(caplog) == [("DEBUG", "node started", None, None), ("INFO", "node ended", "ok", None)]
    assert caplog.records[1].__dict__["seconds"] >= 0


def test_a_node_that_failed_says_by_what_kind_of_error_and_not_its_message(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(LookupError), work.agent("planner"):
        raise LookupError("what a user wrote")
    assert told(caplog) == [("INFO", "node ended", "error", "LookupError")]
    assert "user" not in str(caplog.records[0].__dict__)


def test_a_call_that_failed_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with work.model(Call("chat", request_model="gpt-4o")):
        pass
    with pytest.raises(TimeoutError), work.model(Call("chat", request_model="gpt-4o")):
        raise TimeoutError
    assert told(caplog) == [("INFO", "call ended", "ok", None), ("WARNING", "call ended", "error", "TimeoutError")]
