from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bongsu.chaos.drill import both
from bongsu.chaos.markers import Ack, Loss, loss

STRUCK = 100.0


def acks(count: int) -> list[Ack]:
    """Return one acknowledgement a second, the last one at 99 s."""
    return [Ack(number, STRUCK - 1 - (count - number)) for number in range(1, count + 1)]


def test_nothing_lost_is_no_loss() -> None:
    assert loss(acks(10), [(1, 10)], STRUCK) == Loss(0.0, 10, 0, (), 10)


def test_a_lost_tail_is_measured_from_the_last_one_that_came_back() -> None:
    assert loss(acks(10), [(1, 7)], STRUCK) == Loss(4.0, 10, 3, (), 7)


def test_a_marker_that_is_gone_from_the_middle_ends_the_beginning_there() -> None:
    assert loss(acks(10), [(1, 3), (5, 10)], STRUCK) == Loss(8.0, 10, 1, (4,), 3)


def test_the_largest_number_proves_nothing() -> None:
    found = loss(acks(10), [(10, 10)], STRUCK)
    assert (found.kept, found.missing, found.gaps) == (0, 9, tuple(range(1, 10)))


def test_everything_lost_is_measured_from_the_first() -> None:
    assert loss(acks(10), [], STRUCK) == Loss(10.0, 10, 10, (), 0)


def test_a_marker_that_was_stored_and_never_acknowledged_is_no_loss() -> None:
    assert loss(acks(10), [(1, 12)], STRUCK).missing == 0


ranges = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)).map(lambda r: (r[0], r[0] + r[1])), max_size=6)


def numbers(found: list[tuple[int, int]]) -> set[int]:
    return {number for first, last in found for number in range(first, last + 1)}


@given(ranges)
def test_it_counts_like_a_set(found: list[tuple[int, int]]) -> None:
    disjoint = [(n, n) for n in sorted(numbers(found))]
    result = loss(acks(50), disjoint, STRUCK)
    missing = sorted(set(range(1, 51)) - numbers(found))
    assert result.missing == len(missing)
    assert result.kept == (missing[0] - 1 if missing else 50)
    assert set(result.gaps) == {n for n in missing if n < max(numbers(found), default=0)}
    assert 0 <= result.rpo <= STRUCK


@given(ranges, ranges)
def test_both_stores_have_what_is_in_each(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    assert numbers(both(one, other)) == numbers(one) & numbers(other)
