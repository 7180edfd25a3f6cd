"""Write-ahead log by name and number: which segments follow one another, and where written bytes end; pure.

Source: PostgreSQL 18, src/include/access/xlog_internal.h (file names), xlogdefs.h (LSN).
"""

from __future__ import annotations

import re

from bongsu.recovery.model import Timeline

SEGMENT_BYTES = 16 * 1024 * 1024
"""initdb's default; the database adapter refuses a server with another size."""
PAGE_BYTES = 8192
_PER_XLOGID = 2**32 // SEGMENT_BYTES
_SEGMENT = re.compile(r"^[0-9A-F]{24}$")
_HISTORY = re.compile(r"^([0-9A-F]{8})\.history$")
_HISTORY_COLUMNS = 2


def parse_lsn(text: str) -> int:
    """Return the byte position of an LSN such as `0/B001D40`; raise ValueError for anything else."""
    high, slash, low = text.partition("/")
    if not slash:
        raise ValueError(f"{text!r} is not an LSN")
    return (int(high, 16) << 32) | int(low, 16)


def format_lsn(lsn: int) -> str:
    """Return the LSN as PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def segment_name(timeline: int, number: int) -> str:
    """Return the file name of a segment."""
    return f"{timeline:08X}{number // _PER_XLOGID:08X}{number % _PER_XLOGID:08X}"


def is_segment(name: str) -> bool:
    """Tell whether a file name is that of a whole segment."""
    return bool(_SEGMENT.match(name))


def is_history(name: str) -> bool:
    """Tell whether a file name is that of a timeline's history."""
    return bool(_HISTORY.match(name))


def history_name(timeline: int) -> str:
    """Return the file name of a timeline's history."""
    return f"{timeline:08X}.history"


def timeline_of(segment: str) -> int:
    """Return the timeline of a segment."""
    return int(segment[:8], 16)


def number_of(segment: str) -> int:
    """Return the number of a segment, counted from the beginning of the log."""
    return int(segment[8:16], 16) * _PER_XLOGID + int(segment[16:], 16)


def start_of(segment: str) -> int:
    """Return the LSN at which a segment begins."""
    return number_of(segment) * SEGMENT_BYTES


def written_bytes(segment: bytes) -> int:
    """Return how many bytes of a preallocated segment are written, in whole pages.

    Each page in use begins with a non-zero header, so the last page that holds anything tells. Shipping it whole, again
    whenever it grows, loses nothing and needs no parser of records.
    """
    return -(-len(segment.rstrip(b"\0")) // PAGE_BYTES) * PAGE_BYTES


def parse_history(name: str, text: str, since: float) -> Timeline:
    """Return the timeline that a history file describes; raise ValueError for anything else.

    Each line names an ancestor and where the next timeline left it.
    """
    found = _HISTORY.match(name)
    rows = [line.split("\t") for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not found or not rows or any(len(row) < _HISTORY_COLUMNS for row in rows):
        raise ValueError(f"{name} is no timeline history")
    return Timeline(int(found.group(1), 16), since, tuple((int(row[0]), parse_lsn(row[1])) for row in rows))


def segments_between(live: Timeline, timeline: int, first: int, last: int) -> list[str]:
    """Return the names of the segments from number `first` to `last` that lead from `timeline` to the live one.

    The segment of a fork is taken from the newer timeline, where it repeats the older one's bytes up to the fork:
    PostgreSQL reads it there. `timeline` must be the live one or an ancestor of it.
    """
    line = [(live.number, last + 1)]
    line += [(number, fork // SEGMENT_BYTES) for number, fork in reversed(live.ancestors) if number >= timeline]
    return [
        segment_name(next(number for number, end in reversed(line) if segment < end), segment)
        for segment in range(first, last + 1)
    ]
