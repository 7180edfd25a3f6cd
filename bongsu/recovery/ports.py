"""What backups and restores need of the world; the CLI hands in adapters, tests hand in fakes beside the real ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from signal import Signals

    from bongsu.recovery.sealed import Opened


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str


class Running(Protocol):
    """A process that was started."""

    async def stop(self, number: Signals, grace: float) -> None:
        """Ask it to end, after `grace` seconds kill it; one that has ended already is no error."""

    def ended(self) -> int | None:
        """Return its exit code, None while it runs."""


class Commands(Protocol):
    """Programs of this machine. None of them outlives us."""

    async def run(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None, seconds: float
    ) -> Ended:
        """Run a program to its end; raise UnreachableError when it is missing or takes longer than `seconds`."""

    async def start(
        self, argv: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
    ) -> Running:
        """Start a program with its output appended to `log`; raise UnreachableError when it is missing."""


class Vault(Protocol):
    """The sealed files of one repository, by name (`wal/head`, `manifests/...`)."""

    def put(self, name: str, content: bytes, at: float) -> None:
        """Write a file whole or not at all, replacing an earlier one of that name."""

    def get(self, name: str) -> Opened:
        """Return a file's content; raise StateError naming the file when it is absent or damaged."""

    def sealed_at(self, name: str) -> float:
        """Return when a file was sealed, unverified; raise StateError when it is absent or no sealed file."""

    def has(self, name: str) -> bool:
        """Tell whether there is a file of that name."""

    def names(self, prefix: str) -> list[str]:
        """Return the names that begin with `prefix`, sorted; unfinished files are none."""

    def delete(self, name: str) -> None:
        """Remove a file; one that is gone already is no error."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A folder that was stored: the snapshot's id, its files and bytes, and how many bytes were new."""

    snapshot: str
    files: int
    bytes: int
    added: int


class Snapshots(Protocol):
    """Deduplicated, encrypted copies of folders."""

    async def save(self, folder: Path, part: str, *, whole: bool) -> Saved:
        """Store a folder; `whole` reads every file again instead of trusting times and sizes. Raise StateError.

        The snapshot's id may be shortened: `listed` completes it.
        """

    async def listed(self, saved: Sequence[str]) -> list[str]:
        """Return the full ids of snapshots that were just saved; raise StateError for one that is not there."""

    async def restore(self, snapshot: str, into: Path) -> None:
        """Write a stored folder's content into `into`; raise StateError when anything of it is missing or damaged."""

    async def ids(self) -> set[str]:
        """Return the ids of all snapshots."""

    async def forget(self, snapshots: Sequence[str]) -> None:
        """Remove snapshots and what nothing else uses of them."""

    async def check(self) -> list[str]:
        """Return what is wrong with the structure, in words; the bytes are judged by whoever knows their hashes."""


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository: its name in the manifest, where it lies, its sealed files and its snapshots."""

    name: str
    path: Path
    vault: Vault
    snapshots: Snapshots


@dataclass(frozen=True, slots=True)
class Base:
    """A base backup that lies on disk; see model.DatabasePart."""

    system_id: str
    timeline: int
    start_lsn: int
    end_lsn: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Beat:
    """One heartbeat: its number, when it was committed (Unix time by the server's clock), and where the log stood then.

    Its commit lies before `lsn`; the receiver has all before `received` on disk.
    """

    number: int
    at: float
    lsn: int
    received: int


class Database(Protocol):
    """The server that is backed up."""

    async def prepare(self) -> tuple[str, int]:
        """Make what heartbeats need; return the cluster's identity and its timeline."""

    async def base(self, into: Path, parent: Path | None) -> Base:
        """Copy the cluster into an absent folder and check the copy; `parent` is the manifest to be incremental to."""

    async def beat(self) -> Beat:
        """Commit a heartbeat; raise UnreachableError when the server or the receiver of its log does not answer."""


class Vectors(Protocol):
    """The derived index that is backed up."""

    async def copy(self, into: Path) -> None:
        """Copy the index into an absent folder, consistent although it is being written; check the copy."""

    async def position(self) -> int:
        """Return the change of the source of truth that the index has reached."""


@dataclass(frozen=True, slots=True)
class Served:
    """A restored store that runs for itself alone: its URL, and how to end it."""

    url: str
    process: Running


class Engine(Protocol):
    """Turns what was fetched into a running database."""

    async def combine(self, chain: Sequence[Path], into: Path) -> None:
        """Make one whole copy, in an absent folder, of a full copy and its increments; the chain is used up."""

    async def recover(self, folder: Path, timeline: int, target: float | None, log: Path) -> Served:
        """Replay the log in the folder's pg_wal to the instant (None: to its end), promote, keep the log from there.

        Raise StateError with the server's own words when it does not get there.
        """

    async def beat(self, url: str) -> int:
        """Return the number of the newest heartbeat in a database."""

    async def end(self, served: Served) -> None:
        """Shut the database down so that all is on disk."""


class IndexServer(Protocol):
    """Serves a restored index."""

    def check(self, folder: Path) -> None:
        """Raise StateError when the copy is torn."""

    async def serve(self, folder: Path, log: Path) -> Served:
        """Start a server on the folder (made when absent); raise StateError when it does not answer."""

    async def end(self, served: Served) -> None:
        """Stop the server."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What comparing every vector with the source of truth gave; `examples` are ids by what is wrong with them."""

    checked: int
    missing: int
    wrong: int
    extra: int
    healed: int = 0
    examples: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Tell whether the index holds exactly what it should."""
        return not (self.missing or self.wrong or self.extra)

    def __str__(self) -> str:
        if self.ok:
            return f"{self.checked} vectors compared, all right" + (f", {self.healed} healed" if self.healed else "")
        shown = "; ".join(f"{name}: {', '.join(ids[:3])}" for name, ids in self.examples.items() if ids)
        return f"{self.missing} missing, {self.wrong} wrong, {self.extra} extra of {self.checked} vectors ({shown})"


class Index(Protocol):
    """The manifest's commands on the derived index; both URLs are those of private servers."""

    async def roll_forward(self, database: str, index: str) -> str:
        """Apply what the source of truth has beyond the index; return what the command said."""

    async def audit(self, database: str, index: str, *, heal: bool) -> Audit:
        """Compare every vector, and with `heal` repair what differs; raise StateError when it cannot be told."""
