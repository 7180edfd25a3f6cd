from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.recovery.project import Sample, fit, predict

GB = 10**9


def measured(size: float, fetch: float, start: float = 8.0) -> Sample:
    return Sample(int(size * GB), {"fetch": fetch, "start": start})


def test_a_line_through_exact_points_is_found_again() -> None:
    samples = [measured(size, 2 + 4 * size) for size in (0.1, 0.5, 1.0, 2.0)]
    found = predict(samples, 500 * GB)
    assert found is not None
    assert found.seconds == pytest.approx(8 + 2 + 4 * 500)
    assert (found.slowest, found.samples, found.largest_sample) == ("fetch", 4, 2 * GB)
    assert found.worst_error == pytest.approx(0)


def test_too_few_or_too_similar_sizes_give_no_prediction() -> None:
    assert predict([measured(1, 4), measured(4, 16)], 500 * GB) is None
    assert predict([measured(1, 4), measured(1.1, 4.4), measured(1.2, 4.8)], 500 * GB) is None


def test_the_error_on_the_samples_themselves_is_told() -> None:
    found = predict([measured(0.1, 3), measured(0.5, 3), measured(1.0, 12)], 500 * GB)
    assert found is not None
    assert found.worst_error > 0.1


@given(
    st.lists(
        st.tuples(st.floats(min_value=1e3, max_value=1e12), st.floats(min_value=0, max_value=1e5)),
        min_size=2,
        max_size=9,
    )
)
def test_no_fit_gives_back_time(points: list[tuple[float, float]]) -> None:
    line = fit(points)
    assert line.fixed >= 0
    assert line.per_byte >= 0
