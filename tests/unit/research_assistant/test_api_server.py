from __future__ import annotations

from research_assistant.api.server import make_config

LONGEST_REST_OF_A_BALANCER = 60


def test_a_connection_rests_longer_than_a_balancer_lets_it_so_that_none_is_closed_under_a_request() -> None:
    assert make_config().timeout_keep_alive > LONGEST_REST_OF_A_BALANCER
