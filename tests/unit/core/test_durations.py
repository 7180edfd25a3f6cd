from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.core.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("5m", 300), ("1h30m", 5400), ("500ms", 0.5), ("30d", 2592000), ("1w", 604800)]
)
def test_prometheus_durations_are_read_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 m", "1m1h", "5min", "1.5h"])
def test_anything_else_is_refused_with_the_form_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 30s, 5m, 1h30m or 30d"):
        parse_duration(text)


@given(st.integers(min_value=1, max_value=10**11))
def test_formatting_and_parsing_are_inverse_at_millisecond_resolution(milliseconds: int) -> None:
    assert round(parse_duration(format_duration(milliseconds / 1000)) * 1000) == milliseconds
