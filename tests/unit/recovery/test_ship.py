from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.core.errors import StateError
from bongsu.recovery import wal
from bongsu.recovery.adapters.vault import FolderVault
from bongsu.recovery.catalogue import HEAD, part_file, read_head, segment_file
from bongsu.recovery.ports import Beat
from bongsu.recovery.ship import PARTIAL, Shipper, assemble, clear_spool
from tests.unit.recovery.parts import SYSTEM

PAGE, SEGMENT = wal.PAGE_BYTES, wal.SEGMENT_BYTES
KEY = bytes(32)
FIRST, SECOND, THIRD = (wal.segment_name(1, number) for number in (1, 2, 3))


class World:
    """A spool as pg_receivewal fills it, and a vault to ship it into."""

    def __init__(self, folder: Path) -> None:
        self.spool = folder / "spool"
        self.spool.mkdir()
        self.vault = FolderVault(folder / "vault", KEY)
        self.now = 1000.0
        self.shipper = self.restarted()

    def restarted(self) -> Shipper:
        shipper = Shipper(self.vault, self.spool, SYSTEM)
        shipper.open()
        self.shipper = shipper
        return shipper

    def write(self, segment: str, content: bytes, *, whole: bool = False) -> None:
        (self.spool / f"{segment}{PARTIAL}").unlink(missing_ok=True)
        name = segment if whole else f"{segment}{PARTIAL}"
        (self.spool / name).write_bytes(content + bytes(SEGMENT - len(content)))

    def ship(self, beat: Beat | None = None) -> None:
        self.now += 1
        self.shipper.ship(beat, self.now)

    def parts(self, segment: str) -> list[bytes]:
        return [self.vault.get(name).content for name in self.vault.names(f"{segment_file(SYSTEM, segment)}.")]

    def shipped(self, segment: str) -> bytes:
        """Return the segment as a restore would make it."""
        if self.vault.has(segment_file(SYSTEM, segment)):
            return self.vault.get(segment_file(SYSTEM, segment)).content
        head = read_head(self.vault)
        assert head is not None
        names = [part_file(SYSTEM, segment, number) for number in range(1, head.parts + 1)]
        return assemble([self.vault.get(name).content for name in names])


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_is_written_between_two_looks_is_shipped_and_nothing_twice(world: World) -> None:
    world.write(FIRST, b"a" * 100)
    world.ship()
    world.ship()
    assert len(world.parts(FIRST)) == 1, "nothing new, nothing shipped"
    world.write(FIRST, b"a" * 100 + b"b" * 3 * PAGE)
    world.ship()
    assert len(world.parts(FIRST)) == 2
    assert world.shipped(FIRST).rstrip(b"\0") == b"a" * 100 + b"b" * 3 * PAGE


def test_a_page_that_is_filled_up_is_shipped_again(world: World) -> None:
    for count in (10, 20, 30):
        world.write(FIRST, b"a" * count)
        world.ship()
    assert world.shipped(FIRST).rstrip(b"\0") == b"a" * 30


def test_a_whole_segment_replaces_its_parts(world: World) -> None:
    world.write(FIRST, b"a" * 100)
    world.ship()
    world.write(FIRST, b"a" * SEGMENT, whole=True)
    world.write(SECOND, b"c")
    world.ship()
    assert world.parts(FIRST) == []
    assert world.shipped(FIRST) == b"a" * SEGMENT
    head = read_head(world.vault)
    assert head is not None
    assert (head.segment, head.parts) == (SECOND, 1)


def test_a_shipper_that_was_killed_goes_on_from_the_head(world: World) -> None:
    world.write(FIRST, b"a" * 3 * PAGE)
    world.ship()
    world.restarted()
    world.write(FIRST, b"a" * 3 * PAGE + b"b" * PAGE)
    world.ship()
    assert world.shipped(FIRST).rstrip(b"\0") == b"a" * 3 * PAGE + b"b" * PAGE


def test_a_part_written_before_a_kill_and_not_in_the_head_is_written_over(world: World) -> None:
    world.write(FIRST, b"a" * PAGE)
    world.ship()
    world.vault.put(part_file(SYSTEM, FIRST, 2), (0).to_bytes(8, "big") + b"half", 1.0)
    world.restarted()
    world.write(FIRST, b"a" * 2 * PAGE)
    world.ship()
    assert world.shipped(FIRST).rstrip(b"\0") == b"a" * 2 * PAGE


def test_a_receiver_that_writes_its_segment_anew_loses_nothing(world: World) -> None:
    world.write(FIRST, b"a" * 5 * PAGE)
    world.ship()
    world.write(FIRST, b"a" * PAGE)
    world.ship()
    assert world.shipped(FIRST).rstrip(b"\0") == b"a" * 5 * PAGE
    world.write(FIRST, b"a" * 6 * PAGE)
    world.ship()
    assert world.shipped(FIRST).rstrip(b"\0") == b"a" * 6 * PAGE


def test_a_heartbeat_counts_once_its_commit_was_on_disk_before_the_file_was_read(world: World) -> None:
    start = wal.start_of(FIRST)
    world.write(FIRST, b"a" * PAGE)
    world.ship(Beat(1, 500.0, start + 90, start + 50))
    head = read_head(world.vault)
    assert head is not None
    assert head.beat == 0, "received up to 50, committed at 90"
    world.ship(Beat(2, 501.0, start + 190, start + 120))
    head = read_head(world.vault)
    assert head is not None
    assert (head.beat, head.covered_at) == (1, 500.0)


def test_without_the_server_the_log_is_shipped_and_nothing_more_is_promised(world: World) -> None:
    start = wal.start_of(FIRST)
    world.write(FIRST, b"a" * PAGE)
    world.ship(Beat(1, 500.0, start + 10, start + 20))
    world.write(FIRST, b"a" * 2 * PAGE)
    world.ship(None)
    head = read_head(world.vault)
    assert head is not None
    assert (head.beat, head.end_lsn) == (1, start + 2 * PAGE)


def test_segments_that_never_came_are_counted(world: World) -> None:
    world.write(FIRST, b"a" * PAGE)
    world.ship()
    world.write(wal.segment_name(1, 9), b"z")
    world.ship()
    assert world.shipper.holes == 1


def test_a_new_timeline_closes_the_old_ones_last_segment(world: World) -> None:
    world.write(SECOND, b"a" * 2 * PAGE)
    world.ship()
    (world.spool / f"{SECOND}{PARTIAL}").unlink()
    (world.spool / "00000002.history").write_text("1\t0/2001000\tno recovery target specified\n")
    world.write(wal.segment_name(2, 2), b"a" * PAGE + b"n")
    world.ship()
    assert world.shipped(SECOND).rstrip(b"\0") == b"a" * 2 * PAGE, "the branch that was left stays restorable"
    head = read_head(world.vault)
    assert head is not None
    assert [one.number for one in head.timelines] == [1, 2]
    assert head.live.ancestors == ((1, 0x2001000),)
    assert world.vault.has(segment_file(SYSTEM, "00000002.history"))
    assert world.shipper.holes == 0


def test_the_log_of_another_cluster_is_not_written_over(world: World) -> None:
    world.write(FIRST, b"a")
    world.ship()
    other = Shipper(world.vault, world.spool, "another")
    with pytest.raises(StateError, match="backups of another cluster") as error:
        other.open()
    assert error.value.where == HEAD


def test_the_spool_is_cleared_of_what_every_repository_has_and_of_nothing_else(world: World, tmp_path: Path) -> None:
    world.write(FIRST, b"a", whole=True)
    world.write(SECOND, b"b", whole=True)
    world.write(THIRD, b"c")
    world.ship()
    behind = Shipper(FolderVault(tmp_path / "other", KEY), world.spool, SYSTEM)
    clear_spool(world.spool, [world.shipper.head, behind.head])
    assert (world.spool / FIRST).exists(), "the other repository has nothing yet"
    behind.ship(None, 1.0)
    clear_spool(world.spool, [world.shipper.head, behind.head])
    assert sorted(path.name for path in world.spool.iterdir()) == [f"{THIRD}{PARTIAL}"]
