"""Ship the log: from the folder that pg_receivewal fills into a repository, page by page, every second.

restic cannot stream, so a segment that is still being written goes as numbered sealed parts; once it is whole it goes
as one sealed file and its parts are removed. The head is written after what it speaks of: killed at any moment, a
shipper starts again from it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bongsu.core.errors import StateError
from bongsu.recovery import wal
from bongsu.recovery.catalogue import HEAD, part_file, read_head, segment_file, write_head
from bongsu.recovery.model import Timeline, WalHead

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bongsu.recovery.ports import Beat, Vault

PARTIAL = ".partial"
OFFSET_BYTES = 8
MAX_BEATS = 3600
"""So many heartbeats wait to be seen on disk: an hour's, more would only cost memory."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Shipper:
    """Ships the log of one cluster into one vault. Not to be shared between threads.

    `holes` counts segments that never came: then only a new full backup makes the time after them restorable.
    """

    vault: Vault
    spool: Path
    system_id: str
    head: WalHead | None = None
    holes: int = 0
    _beats: list[Beat] = field(default_factory=list)
    _page: bytes = b""

    def open(self) -> None:
        """Read how far the vault's log reaches; refuse the log of another cluster, whose backups would be lost."""
        self.head = read_head(self.vault)
        if self.head is not None and self.head.system_id != self.system_id:
            raise StateError(
                f"it holds the backups of another cluster ({self.head.system_id}, this one is {self.system_id})",
                where=HEAD,
                next="restore from it, or give this home repositories of its own in bongsu.yaml",
            )

    def ship(self, beat: Beat | None, now: float) -> WalHead | None:
        """Ship what is new and return the head; `beat` is the newest heartbeat, None when the server is away."""
        before = self.head
        self._learn_timelines(now)
        whole, partial = self._spooled()
        for name in whole:
            self._ship_whole(name, now)
        if partial is not None:
            self._ship_part(partial, now)
        self._cover(beat)
        if self.head is not None and self.head != before:
            self.head = replace(self.head, shipped_at=now)
            write_head(self.vault, self.head)
        return self.head

    def _spooled(self) -> tuple[list[str], str | None]:
        """Return the names of the whole segments not yet shipped, oldest first, and of the one being written."""
        names = [path.name for path in self.spool.iterdir()]
        whole = sorted((name for name in names if wal.is_segment(name)), key=_order)
        partial = [name.removesuffix(PARTIAL) for name in names if name.endswith(PARTIAL)]
        newest = max(partial, key=_order, default=None)
        if self.head is not None and self.head.segment:
            whole = [name for name in whole if _order(name) >= _order(self.head.segment)]
        return whole, newest

    def _learn_timelines(self, now: float) -> None:
        for name in sorted(path.name for path in self.spool.iterdir() if wal.is_history(path.name)):
            known = {one.number for one in self.head.timelines} if self.head else set()
            text = (self.spool / name).read_text(encoding="ascii")
            found = wal.parse_history(name, text, now)
            if found.number not in known:
                self.vault.put(segment_file(self.system_id, name), text.encode(), now)
                if self.head is not None:
                    self.head = replace(self.head, timelines=(*self.head.timelines, found))
                else:
                    self.head = WalHead(self.system_id, "", 0, 0, 0, 0.0, now, (found,))

    def _ship_whole(self, name: str, now: float) -> None:
        head = self._turn_to(name, now)
        self.vault.put(segment_file(self.system_id, name), (self.spool / name).read_bytes(), now)
        following = wal.segment_name(wal.timeline_of(name), wal.number_of(name) + 1)
        self.head = replace(head, segment=following, parts=0, end_lsn=wal.start_of(following))
        write_head(self.vault, self.head)  # before the parts go: the whole segment speaks for them
        self._drop_parts(name)
        self._page = b""

    def _ship_part(self, name: str, now: float) -> None:
        try:
            data = (self.spool / f"{name}{PARTIAL}").read_bytes()
        except FileNotFoundError:  # it has just become whole: the next round takes it
            return
        written = wal.written_bytes(data)
        if not written or (self.head is not None and self.head.segment and _order(name) < _order(self.head.segment)):
            return
        head = self._turn_to(name, now)
        shipped = max(0, head.end_lsn - wal.start_of(name))
        last_page = data[max(0, written - wal.PAGE_BYTES) : written]
        if written < shipped or (written == shipped and last_page == self._page):
            return  # pg_receivewal was restarted and writes the segment anew, or nothing happened
        offset = max(0, shipped - wal.PAGE_BYTES)
        content = offset.to_bytes(OFFSET_BYTES, "big") + data[offset:written]
        self.vault.put(part_file(self.system_id, name, head.parts + 1), content, now)
        self.head = replace(head, parts=head.parts + 1, end_lsn=wal.start_of(name) + written)
        self._page = last_page

    def _turn_to(self, name: str, now: float) -> WalHead:
        """Return the head with `name` as its open segment; a segment of an older timeline is closed first."""
        if self.head is None or not self.head.segment:
            timelines = self.head.timelines if self.head else (Timeline(wal.timeline_of(name), now),)
            first = WalHead(self.system_id, name, 0, wal.start_of(name), 0, 0.0, now, timelines)
            write_head(self.vault, first)  # before anything it could speak of: segments without a head are damage
            return first
        head = self.head
        if name == head.segment:
            return head
        forked = wal.timeline_of(name) != wal.timeline_of(head.segment)
        step = wal.number_of(name) - wal.number_of(head.segment)
        if forked and head.parts:
            self._close(head, now)
        if step > 1 or (step != 1 and not forked):
            self.holes += 1
            _log.error("segments between %s and %s never came: a full backup is due", head.segment, name)
        self._page = b""
        return replace(head, segment=name, parts=0, end_lsn=wal.start_of(name))

    def _close(self, head: WalHead, now: float) -> None:
        """Seal the last segment of a timeline that was left as a whole one: nothing will be added to it."""
        parts = [part_file(self.system_id, head.segment, number) for number in range(1, head.parts + 1)]
        content = assemble([self.vault.get(name).content for name in parts])
        self.vault.put(segment_file(self.system_id, head.segment), content, now)
        self._drop_parts(head.segment)

    def _drop_parts(self, segment: str) -> None:
        for name in self.vault.names(f"{segment_file(self.system_id, segment)}."):
            self.vault.delete(name)

    def _cover(self, beat: Beat | None) -> None:
        """Note the newest heartbeat whose commit the receiver had on disk before we read its files."""
        if beat is None or self.head is None or not self.head.segment:
            return
        self._beats = [*self._beats[-MAX_BEATS:], beat]
        covered = [one for one in self._beats if one.lsn <= beat.received]
        if covered:
            self.head = replace(self.head, beat=covered[-1].number, covered_at=covered[-1].at)
            self._beats = [one for one in self._beats if one.number > covered[-1].number]


def assemble(parts: Sequence[bytes]) -> bytes:
    """Return the whole segment that the parts make, in their order; what was not written yet is zero."""
    segment = bytearray(wal.SEGMENT_BYTES)
    for part in parts:
        offset, content = int.from_bytes(part[:OFFSET_BYTES], "big"), part[OFFSET_BYTES:]
        segment[offset : offset + len(content)] = content
    return bytes(segment[: wal.SEGMENT_BYTES])


def clear_spool(spool: Path, heads: Sequence[WalHead | None]) -> None:
    """Remove the whole segments that every repository has; one that is away keeps them here."""
    if not heads or any(head is None or not head.segment for head in heads):
        return
    oldest = min(_order(head.segment) for head in heads if head is not None)
    for path in spool.iterdir():
        if wal.is_segment(path.name) and _order(path.name) < oldest:
            path.unlink()


def _order(segment: str) -> tuple[int, int]:
    return wal.timeline_of(segment), wal.number_of(segment)
