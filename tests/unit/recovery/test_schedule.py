from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bongsu.core.backups import Schedule
from bongsu.recovery.catalogue import Catalogue
from bongsu.recovery.model import Backup
from bongsu.recovery.schedule import Situation, Wanted, due, expired, first_needed_segment
from tests.unit.recovery.parts import DAY, HOUR, SYSTEM, full, head, incremental

NOW = 100 * DAY
QUIET = Situation(SYSTEM, 1, "digest")
NOTHING = Wanted()


def holding(*backups: Backup) -> Catalogue:
    return Catalogue(backups, head(NOW))


def asked(*catalogues: Catalogue, situation: Situation = QUIET, now: float = NOW) -> Wanted:
    return due(catalogues, Schedule(), situation, now)


FRESH = holding(full("a", NOW - 60))


def test_nothing_is_due_right_after_a_full_backup_in_every_repository() -> None:
    assert asked(FRESH, FRESH) == NOTHING


def test_an_empty_repository_makes_a_full_backup_due() -> None:
    assert asked(holding()) == Wanted("full", "full", configuration=True)


def test_one_repository_without_a_backup_makes_it_due_for_all() -> None:
    assert asked(FRESH, holding()) == Wanted("full", "full", configuration=True)


def test_an_hour_later_an_increment_is_due_that_builds_on_what_both_have() -> None:
    wanted = asked(FRESH, FRESH, now=NOW + HOUR)
    assert wanted == Wanted("incremental", "", "a", configuration=True)


def test_a_system_without_an_index_never_lacks_a_copy_of_it() -> None:
    without = holding(full("a", NOW - 60, vectors=False))
    assert asked(without, without, situation=replace(QUIET, index=False)) == NOTHING
    assert asked(without, without).vectors == "full"


def test_a_day_later_a_full_one_and_an_increment_of_the_index_are_due() -> None:
    recent = holding(full("a", NOW - DAY), incremental("b", NOW - 60, "a"))
    assert asked(recent, recent) == Wanted("full", "incremental", configuration=True)


def test_an_increment_builds_only_on_what_every_repository_holds() -> None:
    one = holding(full("a", NOW - 2 * HOUR), incremental("b", NOW - 60, "a"))
    other = holding(full("a", NOW - 2 * HOUR))
    assert asked(one, other).parent == "a"


def test_a_restored_cluster_and_a_gap_in_the_log_ask_for_a_full_backup() -> None:
    assert asked(FRESH, situation=replace(QUIET, timeline=2)).database == "full"
    assert asked(FRESH, situation=replace(QUIET, holes=True)).database == "full"
    assert asked(FRESH, situation=replace(QUIET, system_id="another")).database == "full"


def test_a_changed_configuration_is_backed_up_alone_and_at_once() -> None:
    assert asked(FRESH, situation=replace(QUIET, configuration="changed")) == Wanted(configuration=True)


def test_what_is_older_than_it_is_kept_goes_and_what_is_built_on_stays() -> None:
    backups = (
        full("old", NOW - 40 * DAY),
        full("base", NOW - 35 * DAY),
        incremental("kept", NOW - 10 * DAY, "base"),
        full("new", NOW - DAY),
    )
    assert [backup.id for backup in expired(backups, 30 * DAY, NOW)] == ["old"]


def test_the_last_copy_of_each_part_never_goes() -> None:
    backups = (full("only", NOW - 400 * DAY),)
    assert expired(backups, DAY, NOW) == []
    with_newer_database = (*backups, full("newer", NOW - 300 * DAY, vectors=False))
    assert [backup.id for backup in expired(with_newer_database, DAY, NOW)] == [], "its index has no newer copy"


@given(st.lists(st.tuples(st.integers(0, 99), st.booleans()), min_size=1, max_size=12))
def test_retention_never_breaks_a_chain_and_never_removes_everything(ages: list[tuple[int, bool]]) -> None:
    backups: list[Backup] = []
    for number, (age, whole) in enumerate(sorted(ages, reverse=True)):
        at = NOW - age * DAY
        if whole or not backups:
            backups.append(full(str(number), at))
        else:
            backups.append(incremental(str(number), at, backups[-1].id))
    gone = {backup.id for backup in expired(backups, 30 * DAY, NOW)}
    kept = {backup.id: backup for backup in backups if backup.id not in gone}
    assert kept
    assert all(b.database and (not b.database.parent or b.database.parent in kept) for b in kept.values())


def test_the_log_is_kept_from_the_oldest_backup_on() -> None:
    assert first_needed_segment([full("b", 2, segment=9), full("a", 1, segment=4)]) == 4
    assert first_needed_segment([]) == 0
