from __future__ import annotations

from research_assistant.health import STALLED_SECONDS, Pulse


def test_a_loop_that_stopped_turning_is_unhealthy_until_it_turns_again() -> None:
    now = 100.0
    pulse = Pulse(lambda: now)
    assert pulse.healthy()
    now += STALLED_SECONDS
    assert not pulse.healthy()
    pulse.beat()
    assert pulse.healthy()
