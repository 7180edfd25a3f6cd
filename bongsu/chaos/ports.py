"""What the runner needs of the world, and nothing more; the CLI hands in adapters, tests hand in a simulation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from bongsu.chaos.markers import Ack
    from bongsu.chaos.model import Fault


@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """An alert as Prometheus sees it: `state` pending or firing, `active_at` Unix seconds of its first breach."""

    labels: Mapping[str, str]
    state: str
    active_at: float


@dataclass(frozen=True, slots=True)
class RoutedAlert:
    """An alert as Alertmanager sees it."""

    labels: Mapping[str, str]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert inside one notification that reached the receiver: `status` firing or resolved."""

    at: float
    status: str
    labels: Mapping[str, str]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Page:
    """One event on the paging channel: `action` trigger, acknowledge or resolve."""

    at: float
    action: str
    dedup_key: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A phone call or an SMS that went out."""

    at: float
    channel: str
    dedup_key: str


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """One finished run of the traffic: submitted and finished in Unix seconds."""

    submitted_at: float
    finished_at: float
    ok: bool
    error: str


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What one runbook step gave: `said` is the command's answer or the query's value, in words."""

    ok: bool
    said: str


class Clock(Protocol):
    """Time as an argument."""

    def now(self) -> float:
        """Return Unix seconds."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def within(self, seconds: float, work: Awaitable[Any]) -> Any:
        """Return the result of `work`; raise TimeoutError when it takes longer."""


class Metrics(Protocol):
    """Prometheus."""

    async def alerts(self) -> Sequence[ActiveAlert]:
        """Return every active alert."""

    async def query(self, expression: str) -> Sequence[float]:
        """Return the values of an instant query, in the order of its series; empty when it selects nothing."""


class Router(Protocol):
    """Alertmanager."""

    async def alerts(self) -> Sequence[RoutedAlert]:
        """Return every alert Alertmanager holds as active, silenced and inhibited ones included."""


class Inbox(Protocol):
    """The receiver of notifications."""

    async def notices(self) -> Sequence[Notice]:
        """Return every alert of every machine-readable notification, oldest first."""

    async def pages(self) -> Sequence[Page]:
        """Return every event on the paging channel, oldest first."""

    async def deliveries(self) -> Sequence[Delivery]:
        """Return every phone call and SMS, oldest first."""


class FaultLine(Protocol):
    """The fault proxy in front of one upstream."""

    async def inject(self, fault: Fault, identifier: str) -> None:
        """Apply a fault with its lease under an identifier of our choice."""

    async def renew(self, identifier: str, lease: float) -> None:
        """Extend the lease."""

    async def undo(self, identifier: str) -> None:
        """Remove the fault; removing one that is gone is not an error."""

    async def hits(self, identifier: str) -> int:
        """Return how many requests the fault has changed so far."""

    async def direct(self) -> int:
        """Send one request of our own through the proxy and return its HTTP status."""


class Traffic(Protocol):
    """The load generator named by the manifest."""

    async def start(self, rate: float) -> None:
        """Start runs at `rate` per second."""

    async def stop(self) -> None:
        """Stop starting runs."""

    def finished(self) -> Sequence[FinishedRun]:
        """Return every finished run so far, oldest first."""

    def failure(self) -> str | None:
        """Return why the generator is not running although nobody stopped it, or None."""


class Hands(Protocol):
    """What runbook steps may call: the manifest's actions and the probe. No way to the fault line."""

    async def act(self, name: str, arguments: Mapping[str, str]) -> StepOutcome:
        """Run a manifest action."""

    async def probe(self) -> StepOutcome:
        """Ask the golden question and check the answer."""


@dataclass(frozen=True, slots=True)
class World:
    """All ports of one experiment."""

    clock: Clock
    metrics: Metrics
    router: Router
    inbox: Inbox
    fault_line: FaultLine
    traffic: Traffic
    hands: Hands


@dataclass(frozen=True, slots=True)
class RestoreDone:
    """What a restore gave: `phases` are its seconds by name, `reaches` the Unix time up to which all is back.

    `repaired` holds in words what the restore found wrong and mended; `bytes` is what it fetched.
    """

    ok: bool
    said: str
    phases: Mapping[str, float] = field(default_factory=dict)
    reaches: float = 0.0
    repaired: Sequence[str] = ()
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class MarkersFound:
    """Inclusive ranges of the marker numbers that are intact in the source of truth and in the derived index."""

    database: Sequence[tuple[int, int]]
    index: Sequence[tuple[int, int]]
    damaged: Sequence[int]


class Victim(Protocol):
    """A system of the drill's own that is backed up, destroyed and restored."""

    async def backup(self, kind: str) -> StepOutcome:
        """Take a backup (`full` or `incremental`) into every repository."""

    async def strike(self) -> float:
        """Kill the stores with signal 9 and delete everything but the surviving repository; return when (Unix time)."""

    async def restore(self) -> RestoreDone:
        """Restore from the surviving repository with nothing but its key, as a process of its own."""

    async def start(self) -> None:
        """Start the system on what was restored; raise BongsuError when it does not come up.

        What watches it and backs it up may still be on its way then; `resumed` waits for that too.
        """

    async def configuration(self) -> StepOutcome:
        """Compare the configuration that came back with the one before the disaster."""

    async def resumed(self) -> StepOutcome:
        """Wait until every repository has a full backup of the restored system, and read the old one whole again."""


class Writer(Protocol):
    """Writes markers through the system and keeps what was acknowledged, outside of it."""

    async def start(self, rate: float) -> None:
        """Begin to write `rate` markers per second."""

    async def stop(self) -> None:
        """Stop; a second stop does nothing."""

    def acknowledged(self) -> Sequence[Ack]:
        """Return every acknowledged marker so far, in order."""

    def failure(self) -> str | None:
        """Return why the writer is not running although nobody stopped it, or None."""


class Questions(Protocol):
    """What the system is asked."""

    async def probe(self) -> StepOutcome:
        """Ask the golden question and check the answer."""

    async def probe_all(self) -> StepOutcome:
        """Ask every golden question and check the answers and their sources."""

    async def ask_marker(self, number: int) -> StepOutcome:
        """Ask for one marker and check that the answer cites it."""

    async def find_markers(self) -> MarkersFound:
        """Return which markers are there; raise BongsuError when it cannot be told."""


@dataclass(frozen=True, slots=True)
class DrillWorld:
    """All ports of one drill."""

    clock: Clock
    victim: Victim
    writer: Writer
    questions: Questions
