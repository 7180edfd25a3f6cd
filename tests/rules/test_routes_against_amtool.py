"""Our simulator of Alertmanager against amtool, and its times against the calendar: a small run of `bench.routes`."""

from __future__ import annotations

import pytest

from bench import routes

CONFIGURATIONS = 12


def test_our_simulator_says_what_amtool_and_the_calendar_say() -> None:
    tally = routes.run(CONFIGURATIONS)
    assert tally.refused == []
    assert tally.differences == []
    assert tally.asked >= CONFIGURATIONS
    assert 0 < tally.muted < tally.times


def test_a_simulator_that_reads_past_a_route_without_continue_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = routes.visits

    def eager(config: dict[str, dict[str, list[dict[str, object]]]], labels: dict[str, str]) -> object:
        for route in config["route"]["routes"]:
            route["continue"] = True
        return honest(config, labels)

    monkeypatch.setattr(routes, "visits", eager)
    assert routes.run(CONFIGURATIONS).differences


def test_a_simulator_that_never_mutes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "why_muted", lambda *_: "")
    assert routes.run(CONFIGURATIONS // 2).differences
