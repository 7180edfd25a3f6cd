from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.recovery import wal
from bongsu.recovery.model import Timeline

SEGMENT = wal.SEGMENT_BYTES


@given(st.integers(min_value=0, max_value=2**63))
def test_an_lsn_survives_writing_and_reading(lsn: int) -> None:
    assert wal.parse_lsn(wal.format_lsn(lsn)) == lsn


def test_a_text_that_is_no_lsn_is_refused() -> None:
    with pytest.raises(ValueError, match="is not an LSN"):
        wal.parse_lsn("12345")


@given(st.integers(min_value=1, max_value=2**31), st.integers(min_value=0, max_value=2**39))
def test_a_segment_name_holds_its_timeline_and_number(timeline: int, number: int) -> None:
    name = wal.segment_name(timeline, number)
    assert (wal.is_segment(name), wal.timeline_of(name), wal.number_of(name)) == (True, timeline, number)
    assert wal.start_of(name) == number * SEGMENT


def test_segment_names_are_those_of_postgresql() -> None:
    # pg_walfile_name('5/AB000060') on timeline 3, PostgreSQL 18
    assert wal.segment_name(3, wal.parse_lsn("5/AB000060") // SEGMENT) == "0000000300000005000000AB"


def test_written_bytes_end_with_the_last_page_in_use() -> None:
    page = wal.PAGE_BYTES
    assert wal.written_bytes(bytes(SEGMENT)) == 0
    assert wal.written_bytes(b"\x01" + bytes(SEGMENT - 1)) == page
    assert wal.written_bytes(b"\x01" * page + b"\x02" + bytes(SEGMENT - page - 1)) == 2 * page


def test_a_history_file_names_the_ancestors_and_where_they_were_left() -> None:
    text = "1\t0/BC7CE78\tno recovery target specified\n\n2\t0/D000000\tbefore 2026-11-26\n"
    assert wal.parse_history("00000003.history", text, 5.0) == Timeline(3, 5.0, ((1, 0xBC7CE78), (2, 0xD000000)))


@pytest.mark.parametrize("text", ["", "# a comment\n", "1 no tabs\n"])
def test_a_text_that_is_no_history_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no timeline history"):
        wal.parse_history("00000002.history", text, 0.0)


def test_the_way_to_a_later_timeline_takes_the_segment_of_the_fork_from_the_newer_one() -> None:
    live = Timeline(3, 0.0, ((1, 2 * SEGMENT + 5), (2, 4 * SEGMENT + 9)))
    names = wal.segments_between(live, 1, 1, 5)
    assert [(wal.timeline_of(name), wal.number_of(name)) for name in names] == [(1, 1), (2, 2), (2, 3), (3, 4), (3, 5)]


def test_a_timeline_that_forked_from_the_first_skips_the_second() -> None:
    live = Timeline(3, 0.0, ((1, 2 * SEGMENT),))
    names = wal.segments_between(live, 1, 1, 3)
    assert [(wal.timeline_of(name), wal.number_of(name)) for name in names] == [(1, 1), (3, 2), (3, 3)]


def test_a_point_lies_on_the_way_unless_its_branch_was_left_before_it() -> None:
    live = Timeline(2, 0.0, ((1, 100),))
    assert live.holds(1, 100)
    assert not live.holds(1, 101)
    assert live.holds(2, 999)
    assert not live.holds(3, 1)
