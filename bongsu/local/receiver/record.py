"""The record of notifications: an append-only JSONL file that survives a restart, and what follows from it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bongsu.core.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from io import FileIO
    from pathlib import Path

CHANNELS = ("pagerduty", "slack", "webhook", "email")
DELIVERY_CHANNELS = ("sms", "phone")
FILE_NAME = "notifications.jsonl"
KEPT = 10_000
"""Notifications and deliveries held in memory for reading; the file keeps all."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One received message: `at` is in Unix seconds, `name` the webhook's name or the first recipient, else empty."""

    seq: int
    at: float
    channel: str
    name: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call or short message that a person would have got."""

    at: float
    channel: str
    dedup_key: str
    summary: str


@dataclass(slots=True)
class Incidents:
    """The open incidents by dedup key, and the deliveries their openings caused."""

    dropped: frozenset[str] = frozenset()
    open: set[str] = field(default_factory=set)
    deliveries: deque[Delivery] = field(default_factory=lambda: deque(maxlen=KEPT))

    def apply(self, notification: Notification) -> None:
        """Open or close the incident of a PagerDuty event; other channels open none."""
        if notification.channel != "pagerduty":
            return
        body = notification.body
        key = str(body["dedup_key"])
        if body["event_action"] == "resolve":
            self.open.discard(key)
        elif body["event_action"] == "trigger" and key not in self.open:
            self.open.add(key)
            summary = str(body["payload"]["summary"])
            for channel in DELIVERY_CHANNELS:
                if channel not in self.dropped:
                    self.deliveries.append(Delivery(notification.at, channel, key, summary))


class Record:
    """The notifications of one folder; one process at a time may hold it open."""

    def __init__(self, folder: Path, *, now: Callable[[], float], dropped: frozenset[str] = frozenset()) -> None:
        self._now = now
        self._dropped = dropped
        self._seq = 0
        self.incidents = Incidents(dropped)
        self.notifications: deque[Notification] = deque(maxlen=KEPT)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / FILE_NAME
        self._file = self._open()
        try:
            self._reload()
        except StateError:
            self._file.close()
            raise

    def add(self, channel: str, name: str, body: Mapping[str, Any]) -> None:
        """Append a notification and sync it to disk; a dropped channel is forgotten (the planted defect)."""
        if channel in self._dropped:
            return
        notification = Notification(self._seq + 1, self._now(), channel, name, body)
        line = json.dumps(asdict(notification), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        self._append(line)
        self._accept(notification)

    def since(self, seq: int) -> list[Notification]:
        """Return the kept notifications with a sequence number above `seq`, oldest first."""
        return [notification for notification in self.notifications if notification.seq > seq]

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def _append(self, line: bytes) -> None:
        """Write a whole line or nothing: half a line of a full disk would spoil the next one."""
        before = self._file.seek(0, os.SEEK_END)
        try:
            written = self._file.write(line)
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(before)
            raise
        if written != len(line):
            self._file.truncate(before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))

    def _accept(self, notification: Notification) -> None:
        self._seq = notification.seq
        self.notifications.append(notification)
        self.incidents.apply(notification)

    def _open(self) -> FileIO:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise StateError(
                "another receiver writes this record", where=str(self._path), next="stop it or choose another --folder"
            ) from error
        return file

    def _reload(self) -> None:
        """Read the record back; a last line that a crash cut short was never acknowledged, so it is removed."""
        self._file.seek(0)
        good = 0
        for number, line in enumerate(self._file.readall().splitlines(keepends=True), start=1):
            if not line.endswith(b"\n"):
                break
            self._accept(self._parse(line, number))
            good += len(line)
        self._file.truncate(good)
        self._file.seek(0, os.SEEK_END)

    def _parse(self, line: bytes, number: int) -> Notification:
        try:
            return Notification(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise StateError(
                f"not a notification: {error}",
                where=f"{self._path}:{number}",
                next="move the file away to start a new record",
            ) from error
