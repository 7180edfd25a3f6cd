"""An experiment: what is broken, what must fire, which runbook answers, how fast time runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.core.diagnostics import Span


class Verdict(Enum):
    """How an experiment ended; everything but PASSED is a failure with its own name."""

    PASSED = "passed"
    GATE_FAILED = "gate_failed"
    """The system did not answer truly before anything was broken."""
    ALREADY_FIRING = "already_firing"
    """An alert was active before the fault: its firing would prove nothing."""
    TRAFFIC_TOO_LOW = "traffic_too_low"
    """Fewer events per window than twice the floor: rules would be silent for want of data."""
    INJECTION_FAILED = "injection_failed"
    FAULT_NOT_OBSERVED = "fault_not_observed"
    """No request hit the fault: whatever happened, it was not this."""
    NOT_FIRED = "not_fired"
    ALERT_LOST = "alert_lost"
    """The alert fired in Prometheus, and the notification never came or came with other labels."""
    RUNBOOK_FAILED = "runbook_failed"
    NOT_CLEARED = "not_cleared"
    PAGED_TWICE = "paged_twice"
    """One incident rang more than once."""
    NOT_UNDONE = "not_undone"
    HUNG = "hung"
    """A component did not answer in its time."""
    BACKUP_FAILED = "backup_failed"
    """Before anything was destroyed, a backup could not be taken."""
    LOG_STOPPED = "log_stopped"
    """At the disaster the log in the surviving repository was old: nobody shipped it any more."""
    RESTORE_FAILED = "restore_failed"
    INDEX_WRONG = "index_wrong"
    """The restored index did not hold what its source of truth holds: it had to be healed or built anew."""
    CONFIGURATION_WRONG = "configuration_wrong"
    MARKERS_MISSING = "markers_missing"
    """An acknowledged marker is gone although later ones are there."""
    ANSWER_WRONG = "answer_wrong"
    """The restored system does not answer truly."""
    RPO_MISSED = "rpo_missed"
    RTO_MISSED = "rto_missed"
    NOT_RESUMED = "not_resumed"
    """After the restore nothing is backed up any more: the next disaster would lose everything since."""
    INTERRUPTED = "interrupted"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault on the wire between the system and one upstream; it expires `lease` seconds after the last renewal."""

    upstream: str
    kind: str
    parameters: Mapping[str, str | int | float]
    path: str
    lease: float


@dataclass(frozen=True, slots=True)
class DirectRequest:
    """The request of our own that shows whether the fault is there: method, path and JSON body."""

    method: str
    path: str
    body: str


@dataclass(frozen=True, slots=True)
class Expected:
    """An alert that must fire, told apart by its name, severity and further labels."""

    alert: str
    severity: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether an alert's labels are the expected ones."""
        wanted = {"alertname": self.alert, "severity": self.severity, **self.labels}
        return all(labels.get(name) == value for name, value in wanted.items())

    def __str__(self) -> str:
        rest = "".join(f" {name}={value}" for name, value in sorted(self.labels.items()))
        return f"{self.alert} {self.severity}{rest}"


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment as declared in chaos/experiments/NAME.yaml."""

    name: str
    title: Mapping[str, str]
    hypothesis: str
    factor: float
    scrape: float
    rate: float
    fault: Fault
    direct: DirectRequest
    expects: tuple[Expected, ...]
    runbook: str
    span: Span


@dataclass(frozen=True, slots=True)
class Bar:
    """What a drill must reach, and what was promised to users: all in seconds."""

    rpo: float
    rto: float
    log_age: float
    promised_rpo: float
    promised_rto: float


@dataclass(frozen=True, slots=True)
class Drill:
    """One restore drill as declared in chaos/drills/NAME.yaml: an experiment whose fault is a disaster.

    The disaster strikes at a random instant between `earliest` and `latest` seconds after the last backup. It takes
    both stores and the repository `lost` with it; the restore has the repository `source` and its key.
    """

    name: str
    title: Mapping[str, str]
    hypothesis: str
    lost: str
    source: str
    earliest: float
    latest: float
    markers_per_second: float
    bar: Bar
    span: Span
