"""What a marker is: its source, its text, and the question it answers.

It is a document like any other, written through the normal path and found by a question. Thousands differ only in
their numbers, so the name of one is a single search term that occurs in no other. The text speaks of beacons: documents
about markers are part of the corpus, and a drill must not push them out of the answers to real questions.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from bongsu.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

PAYLOAD_DIGITS = 16
MAX_NUMBER = 999_999_999
_SERIES = re.compile(r"[a-z0-9-]{1,40}")
_NUMBER = re.compile(r"\d{9}")


def checked(series: str) -> str:
    """Return a series; raise UsageError for a name that is none."""
    if not _SERIES.fullmatch(series):
        raise UsageError(f"{series!r} is no series", where="--series", next="give 1 to 40 of a-z, 0-9 and -")
    return series


def checked_number(number: int, option: str) -> int:
    """Return the number of a marker; raise UsageError naming the option for one out of range."""
    if not 1 <= number <= MAX_NUMBER:
        raise UsageError(f"{number} is no number of a marker", where=option, next=f"give 1 to {MAX_NUMBER}")
    return number


def prefix(series: str) -> str:
    """Return what the source of every marker of a series begins with."""
    return f"markers/{series}/"


def source(series: str, number: int) -> str:
    """Return the source of one marker."""
    return f"{prefix(series)}{number:09d}"


def number_of(source: str) -> int | None:
    """Return the number of the marker with this source, None when it is not one."""
    last = source.rsplit("/", 1)[-1]
    return int(last) if _NUMBER.fullmatch(last) else None


def name(series: str, number: int) -> str:
    """Return the name of a marker in prose: one search term (a hyphen would make it two)."""
    return f"{series.replace('-', '')}{number:09d}"


def payload(series: str, number: int) -> str:
    """Return what only the marker itself can tell."""
    return hashlib.sha256(f"{series}:{number}".encode()).hexdigest()[:PAYLOAD_DIGITS]


def fact(series: str, number: int) -> str:
    """Return the sentence that answers `question`."""
    return f"Beacon {name(series, number)} shows the sign {payload(series, number)}."


def question(series: str, number: int) -> str:
    """Return the question that one marker alone answers."""
    return f"Which sign does beacon {name(series, number)} show?"


def body(series: str, number: int, at: datetime) -> str:
    """Return the text of a marker written at this time."""
    written = f"Beacon {number:09d} of chain {series} was lit at {at:%Y-%m-%d %H:%M:%S.%f} UTC."
    return f"# Beacon {name(series, number)}\n\n{written}\n{fact(series, number)}\n"


def ranges(numbers: Iterable[int]) -> list[list[int]]:
    """Return numbers as the fewest inclusive ranges [first, last], in order."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found
