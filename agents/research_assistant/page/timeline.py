"""What happened to a run, as rows to read: made of the events that the live view is told one by one (page.js)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

BREAKS = frozenset({"claimed", "released", "retried", "replayed", "done", "failed", "cancelled"})
"""After these no node that had begun is still at work: what it did not finish is done again or never."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One event of the ledger; `node` is empty but for `started` and `finished`."""

    event: str
    node: str
    at: datetime


@dataclass(slots=True)
class Row:
    """One line: a node at work (`state` working, finished or dropped) or another event (`state` is empty)."""

    name: str
    after: float
    state: str = ""
    seconds: float | None = None


def rows(moments: Iterable[Moment]) -> list[Row]:
    """Return the rows in order of their beginning; a node that finishes is the oldest of its name still at work."""
    made: list[Row] = []
    first: datetime | None = None
    for moment in moments:
        first = first or moment.at
        after = (moment.at - first).total_seconds()
        if moment.event == "started":
            made.append(Row(moment.node, after, "working"))
        elif moment.event == "finished":
            _finish(made, moment.node, after)
        else:
            if moment.event in BREAKS:
                _drop(made)
            made.append(Row(moment.event, after))
    return made


def _finish(made: list[Row], node: str, after: float) -> None:
    row = next((row for row in made if row.name == node and row.state == "working"), None)
    if row is not None:
        row.state, row.seconds = "finished", after - row.after


def _drop(made: list[Row]) -> None:
    for row in made:
        if row.state == "working":
            row.state = "dropped"
