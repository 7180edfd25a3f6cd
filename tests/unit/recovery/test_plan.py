from __future__ import annotations

from collections.abc import Callable

import pytest

from bongsu.core.errors import StateError
from bongsu.recovery import wal
from bongsu.recovery.catalogue import Catalogue, part_file, segment_file
from bongsu.recovery.model import Backup, Timeline, WalHead
from bongsu.recovery.plan import Log, make_plan
from bongsu.recovery.wal import SEGMENT_BYTES
from tests.unit.recovery.parts import SYSTEM, full, head, incremental

NOW = 10_000.0


def file(number: int, timeline: int = 1) -> str:
    return segment_file(SYSTEM, wal.segment_name(timeline, number))


def part(segment: int, number: int, timeline: int = 1) -> str:
    return part_file(SYSTEM, wal.segment_name(timeline, segment), number)


def log_of(*names: str, at: Callable[[str], float] = lambda _: 0.0) -> Log:
    return Log(frozenset(names), at)


LOG = log_of(file(1), file(2), part(3, 1), part(3, 2))


def catalogue(*backups: Backup, log_head: WalHead | None = None) -> Catalogue:
    return Catalogue(backups, log_head or head(NOW))


def test_the_newest_instant_takes_the_newest_base_and_all_of_the_log_after_it() -> None:
    plan = make_plan(catalogue(full("a", 100), full("b", 200, segment=2)), LOG, None)
    assert [backup.id for backup in plan.chain] == ["b"]
    assert plan.log == (
        (wal.segment_name(1, 2), (file(2),)),
        (wal.segment_name(1, 3), (part(3, 1), part(3, 2))),
    )
    assert (plan.reaches, plan.beat, plan.vectors and plan.vectors.id) == (NOW, 99, "b")


def test_an_increment_brings_the_whole_chain_below_it() -> None:
    backups = (full("a", 100), incremental("b", 200, "a"), incremental("c", 300, "b", segment=2))
    plan = make_plan(catalogue(*backups), LOG, None)
    assert [backup.id for backup in plan.chain] == ["a", "b", "c"]
    assert plan.log[0][0] == wal.segment_name(1, 2), "the log is needed from the last increment on"
    assert plan.vectors is not None
    assert plan.vectors.id == "a"


def test_an_increment_whose_parent_is_gone_is_no_way() -> None:
    plan = make_plan(catalogue(full("a", 100), incremental("b", 200, "gone")), LOG, None)
    assert [backup.id for backup in plan.chain] == ["a"]


def test_an_earlier_instant_takes_what_was_complete_before_it() -> None:
    plan = make_plan(catalogue(full("a", 100), full("b", 200, segment=2)), LOG, 150.0)
    assert [backup.id for backup in plan.chain] == ["a"]
    assert (plan.reaches, plan.beat, plan.vectors and plan.vectors.id) == (150.0, 0, "a")


def test_an_earlier_instant_does_not_fetch_the_log_of_days_after_it() -> None:
    shipped = {file(1): 120.0, file(2): 5_000.0}
    log = log_of(file(1), file(2), part(3, 1), part(3, 2), at=lambda name: shipped[name])
    plan = make_plan(catalogue(full("a", 100)), log, 150.0)
    assert [name for name, _ in plan.log] == [wal.segment_name(1, 1), wal.segment_name(1, 2)]


def test_a_missing_segment_is_named_and_nothing_is_restored_across_it() -> None:
    with pytest.raises(StateError) as error:
        make_plan(catalogue(full("a", 100)), log_of(file(1), part(3, 1), part(3, 2)), None)
    assert error.value.where == file(2)


def test_a_missing_part_of_the_open_segment_is_named() -> None:
    with pytest.raises(StateError) as error:
        make_plan(catalogue(full("a", 100)), log_of(file(1), file(2), part(3, 2)), None)
    assert error.value.where == part(3, 1)


def test_an_instant_that_the_log_does_not_reach_is_refused_with_how_far_it_reaches() -> None:
    with pytest.raises(StateError, match="reaches to 1970-01-01T02:46:40Z"):
        make_plan(catalogue(full("a", 100)), LOG, NOW + 1)


def test_an_instant_before_every_backup_is_refused_with_the_oldest_one() -> None:
    with pytest.raises(StateError, match="the oldest restorable instant is 1970-01-01T00:01:40Z"):
        make_plan(catalogue(full("a", 100)), LOG, 50.0)


def test_a_repository_without_backups_or_without_a_log_says_so() -> None:
    with pytest.raises(StateError, match="holds no backup of the database"):
        make_plan(catalogue(), LOG, None)
    with pytest.raises(StateError, match="there is no log"):
        make_plan(Catalogue((full("a", 100),), None), LOG, None)


FORKED = (Timeline(1, 0.0), Timeline(2, 300.0, ((1, 2 * SEGMENT_BYTES + 50),)))


def test_after_a_restore_the_way_leads_from_the_old_base_over_the_fork() -> None:
    log_head = head(NOW, segment=3, timelines=FORKED)
    present = (file(1), file(2), file(3), file(2, 2), part(3, 1, 2), part(3, 2, 2))
    history = segment_file(SYSTEM, "00000002.history")
    plan = make_plan(catalogue(full("a", 100), log_head=log_head), log_of(*present, history), None)
    assert [name for name, _ in plan.log] == [wal.segment_name(1, 1), wal.segment_name(2, 2), wal.segment_name(2, 3)]
    assert (plan.timeline, plan.histories) == (2, (history,))


def test_a_base_taken_on_a_branch_that_was_left_is_not_used() -> None:
    log_head = head(NOW, segment=3, timelines=FORKED)
    present = (file(1), file(2, 2), part(3, 1, 2), part(3, 2, 2))
    backups = (full("a", 100), full("dead", 250, segment=2))
    plan = make_plan(catalogue(*backups, log_head=log_head), log_of(*present), None)
    assert [backup.id for backup in plan.chain] == ["a"]
    assert plan.vectors is not None
    assert plan.vectors.id == "a", "an index copied on the branch that was left knows what never happened"


def test_an_instant_on_the_branch_that_was_left_is_restored_from_that_branch() -> None:
    log_head = head(NOW, segment=3, timelines=FORKED)
    present = (file(1), file(2), file(3), file(2, 2), part(3, 1, 2), part(3, 2, 2))
    plan = make_plan(catalogue(full("a", 100), full("b", 250, segment=2), log_head=log_head), log_of(*present), 260.0)
    assert (plan.timeline, [backup.id for backup in plan.chain]) == (1, ["b"])
    assert [name for name, _ in plan.log] == [wal.segment_name(1, 2), wal.segment_name(1, 3)]
