from __future__ import annotations

import pytest

from bongsu.chaos.adapters.observers import parse_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-23T22:00:00Z", 1795471200.0),
        ("2026-11-23T22:00:00.5Z", 1795471200.5),
        ("2026-11-23T22:00:00.123456789Z", 1795471200.123456789),
        ("2026-11-24T07:00:00.25+09:00", 1795471200.25),
    ],
)
def test_the_times_of_prometheus_are_read_to_the_nanosecond_it_writes(text: str, seconds: float) -> None:
    assert parse_time(text) == pytest.approx(seconds, abs=1e-6)
