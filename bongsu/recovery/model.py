"""What a repository holds, as values: backups with their joint point, and how far the log reaches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DATABASE, VECTORS, CONFIGURATION = "database", "vectors", "configuration"
FULL, INCREMENTAL = "full", "incremental"


@dataclass(frozen=True, slots=True)
class DatabasePart:
    """A base backup of PostgreSQL, or what changed since its parent's.

    LSNs are bytes of WAL; the copy is consistent once WAL from `start_lsn` to `end_lsn` has been replayed.
    `parent` is the id of the backup that an incremental one builds on. `ended_at` is Unix time by the server's clock.
    """

    kind: str
    parent: str
    snapshot: str
    system_id: str
    timeline: int
    start_lsn: int
    end_lsn: int
    ended_at: float
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class VectorsPart:
    """A consistent copy of a derived index; `position` is the change of the source of truth it has reached.

    `timeline` and `lsn` say where the source of truth stood when the copy was complete: it is not newer than that.
    """

    kind: str
    snapshot: str
    position: int
    timeline: int
    lsn: int
    ended_at: float
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ConfigurationPart:
    """The catalogues, the compiled output and the home's secrets; `digest` covers every path and content."""

    snapshot: str
    digest: str
    ended_at: float
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Backup:
    """One finished backup as its manifest states it; LSN, position and digest of its parts are the joint point."""

    id: str
    started_at: float
    finished_at: float
    database: DatabasePart | None = None
    vectors: VectorsPart | None = None
    configuration: ConfigurationPart | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, DatabasePart | VectorsPart | ConfigurationPart]:
        """Return the parts it has, by name."""
        found = {DATABASE: self.database, VECTORS: self.vectors, CONFIGURATION: self.configuration}
        return {name: part for name, part in found.items() if part is not None}


@dataclass(frozen=True, slots=True)
class Timeline:
    """A line of PostgreSQL's history, live since Unix time `since`.

    `ancestors` are the timelines it comes from, oldest first, each with the LSN at which the next one left it.
    Source: PostgreSQL documentation, 25.3.6 Timelines.
    """

    number: int
    since: float
    ancestors: tuple[tuple[int, int], ...] = ()

    def holds(self, timeline: int, lsn: int) -> bool:
        """Tell whether a point of some timeline lies on the way to this one, and not on a branch that was left."""
        ends = dict(self.ancestors)
        return timeline == self.number or (timeline in ends and lsn <= ends[timeline])


@dataclass(frozen=True, slots=True)
class WalHead:
    """How far the log in a repository reaches.

    The log lies in the segments before `segment` and in the first `parts` parts of it; `end_lsn` is where those bytes
    end, in whole pages. Heartbeat number `beat`, committed at `covered_at` (Unix time by the server's clock), is in
    them, and so is all that was committed before it: a restore that ends without it has lost the tail. `timelines` are
    in the order in which they became live, the last one is. `shipped_at` is when the head was written.
    """

    system_id: str
    segment: str
    parts: int
    end_lsn: int
    beat: int
    covered_at: float
    shipped_at: float
    timelines: tuple[Timeline, ...]

    @property
    def live(self) -> Timeline:
        """Return the live timeline."""
        return self.timelines[-1]
