"""What was lost, from numbered markers: acknowledged before the disaster, and found or not found after the restore.

An oracle of its own: it knows numbers and times, nothing of backups. Not the largest number that came back counts but
the end of the gap-free beginning: a store that lost one in the middle has lost it.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Ack:
    """One marker whose writer was told that it is stored: its number and when, as Unix time."""

    number: int
    at: float


@dataclass(frozen=True, slots=True)
class Loss:
    """What a store lost: `rpo` in seconds, `missing` acknowledged markers, of them `gaps` with later ones still there.

    `kept` is the last number of the gap-free beginning, 0 when the first one is gone.
    """

    rpo: float
    acknowledged: int
    missing: int
    gaps: tuple[int, ...]
    kept: int


def loss(acks: Sequence[Ack], found: Sequence[tuple[int, int]], struck_at: float) -> Loss:
    """Return what is lost of `acks` (in order) when the numbers in the inclusive ranges `found` came back.

    RPO is the time from the last marker of the gap-free beginning to the disaster, 0 when nothing is missing.
    """
    ranges = sorted(found)
    starts = [first for first, _ in ranges]

    def present(number: int) -> bool:
        place = bisect_right(starts, number) - 1
        return place >= 0 and ranges[place][0] <= number <= ranges[place][1]

    missing = [ack.number for ack in acks if not present(ack.number)]
    if not missing:
        return Loss(0.0, len(acks), 0, (), acks[-1].number if acks else 0)
    beginning = [ack for ack in acks if ack.number < missing[0]]
    newest = max((last for _, last in ranges), default=0)
    since = beginning[-1].at if beginning else acks[0].at
    return Loss(
        rpo=max(0.0, struck_at - since),
        acknowledged=len(acks),
        missing=len(missing),
        gaps=tuple(number for number in missing if number < newest),
        kept=beginning[-1].number if beginning else 0,
    )
