"""The metrics of the keeper of backups, and its notes: what it tried last, since when it watches this home."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from bongsu.core import conventions as names
from bongsu.core.artefacts import write_file
from bongsu.core.errors import StateError
from bongsu.stack.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bongsu.core.conventions import Metric

FILE = "backups.json"


@dataclass(slots=True)
class Notes:
    """What outlives the keeper, by repository: failures in a row, when all of it was last read, what was damaged then.

    `last` is the last attempt at a backup.
    """

    watched_since: float
    failed: dict[str, int] = field(default_factory=dict)
    read_at: dict[str, float] = field(default_factory=dict)
    damaged: dict[str, int] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)


def read_notes(folder: Path) -> Notes:
    """Return the notes of a home, new ones when it has none; damaged ones are begun anew and said."""
    try:
        return Notes(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Notes(time.time())
    except (ValueError, TypeError) as error:
        return Notes(time.time(), last={"error": f"the notes were damaged and begun anew: {error}"})


def write_notes(folder: Path, notes: Notes) -> None:
    """Replace the notes."""
    write_file(folder / FILE, json.dumps(asdict(notes), indent=2) + "\n", 0o600)


class Gauges:
    """The keeper's metrics on a registry of their own."""

    def __init__(self, repositories: tuple[str, ...], cadence: Mapping[str, float]) -> None:
        self.registry = CollectorRegistry()
        self.last_success = self._gauge(names.BACKUP_LAST_SUCCESS)
        self.covered = self._gauge(names.WAL_COVERED)
        self.verified = self._gauge(names.BACKUP_VERIFIED)
        self.damaged = self._gauge(names.BACKUP_DAMAGED)
        self.failed = self._gauge(names.BACKUP_FAILED_IN_A_ROW)
        self.duration = self._gauge(names.BACKUP_DURATION)
        self.bytes = self._gauge(names.BACKUP_BYTES)
        self.watched_since = self._gauge(names.BACKUP_WATCHED_SINCE)
        self.running_since = 0.0
        self._gauge(names.BACKUP_RUNNING).set_function(self._running)
        runs = names.BACKUP_RUNS
        self.runs = Counter(runs.name, runs.help, runs.label_names, registry=self.registry)
        due = self._gauge(names.BACKUP_CADENCE)
        for part, seconds in cadence.items():
            due.labels(part).set(seconds)
        for repository in repositories:  # a series that is born with its first failure is invisible to `rate`
            for outcome in names.OUTCOMES:
                self.runs.labels(repository, outcome)
            for part in cadence:
                self.last_success.labels(repository, part)
            for gauge in (self.covered, self.verified, self.damaged, self.failed):
                gauge.labels(repository)

    def _gauge(self, metric: Metric) -> Gauge:
        return Gauge(metric.name, metric.help, metric.label_names, registry=self.registry)

    def _running(self) -> float:
        return time.time() - self.running_since if self.running_since else 0.0

    def serve(self, port: int) -> None:
        """Answer on 127.0.0.1:`port` from a thread; raise StateError when the port is taken."""
        try:
            start_http_server(port, addr=HOST, registry=self.registry)
        except OSError as error:
            raise StateError(f"cannot listen: {error.strerror}", where=f"{HOST}:{port}") from error
