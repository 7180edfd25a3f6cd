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
