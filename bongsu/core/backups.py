"""The manifest's `backups:` and `markers:`: where copies go, how often, and how a drill counts what was lost."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.core.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.core.yaml import Reader

HOUR, DAY = 3600.0, 86400.0
_NAME = re.compile(r"^[a-z][a-z0-9-]{0,19}\Z")
_LEAST = 2
"""Repositories: one place that holds all copies is one place that can burn."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A place for copies; a relative `path` lies in the home, as two folders that stand for two regions do."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often each kind of backup is taken and how long it is kept, in seconds (defaults: docs/MISSION.md O3)."""

    database_full: float = DAY
    database_incremental: float = HOUR
    vectors_full: float = 7 * DAY
    vectors_incremental: float = DAY
    verify: float = DAY
    keep: float = 30 * DAY

    def cadence(self) -> Mapping[str, float]:
        """Return the seconds within which each part has a newer backup; configuration goes with each one."""
        database = min(self.database_full, self.database_incremental)
        vectors = min(self.vectors_full, self.vectors_incremental)
        return {"database": database, "vectors": vectors, "configuration": min(database, vectors)}


@dataclass(frozen=True, slots=True)
class Backups:
    """What is copied where: files and folders of the repository that count as configuration, and the repositories."""

    configuration: tuple[str, ...]
    repositories: tuple[Repository, ...]
    schedule: Schedule = Schedule()


@dataclass(frozen=True, slots=True)
class Markers:
    """The commands by which a drill writes numbered markers through the system, finds them, and asks for one.

    `write` takes {series} and {rate}, runs until stopped and prints `{"marker": n, "at": unix}` after each commit.
    `read` takes {series} and prints `{"database": [[first, last], ...], "index": [...], "damaged": [...]}`.
    `ask` takes {series} and {number}; exit 0 means that the system answers with that marker. `forget` takes the same
    and deletes it: a planted defect.
    """

    write: tuple[str, ...]
    read: tuple[str, ...]
    ask: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()


def read_backups(reader: Reader) -> Backups:
    """Return the backups section; every problem goes to the reader."""
    schedule = reader.mapping("schedule", required=False)
    defaults = Schedule()
    times = {
        name: schedule.parsed(name, parse_duration, getattr(defaults, name)) for name in Schedule.__dataclass_fields__
    }
    for name, seconds in times.items():
        if seconds <= 0:
            schedule.fail("spec/value", schedule.span(name), f"{name} must be longer than nothing", "write 1h or 24h")
    schedule.done()
    backups = Backups(
        configuration=reader.texts("configuration"),
        repositories=tuple(
            _repository(type(reader)(node, reader.problems, "backups.repositories"))
            for node in reader.sequence("repositories")
        ),
        schedule=Schedule(**times),
    )
    _refuse_nonsense(backups, reader)
    reader.done()
    return backups


def _repository(reader: Reader) -> Repository:
    repository = Repository(reader.text("name"), reader.text("path"))
    if repository.name and not _NAME.match(repository.name):
        reader.fail("spec/value", reader.span("name"), f"{repository.name!r} is no short name", "use a-z, 0-9 and -")
    reader.done()
    return repository


def _refuse_nonsense(backups: Backups, reader: Reader) -> None:
    if reader.has("repositories") and len(backups.repositories) < _LEAST:
        reader.fail(
            "backups/one-place",
            reader.span("repositories"),
            f"{len(backups.repositories)} repository",
            "name two, in places that do not fail together",
            "whatever takes the data may take the one copy with it",
        )
    place = reader.span("repositories")
    for what in ("name", "path"):
        values = [getattr(repository, what) for repository in backups.repositories]
        for value in sorted({value for value in values if values.count(value) > 1}):
            reader.fail("backups/one-place", place, f"two repositories at {value!r}", "rename one")
    for path in backups.configuration:
        if path.startswith("/") or ".." in path.split("/"):
            reader.fail(
                "spec/value", reader.span("configuration"), f"{path!r} leaves the repository", "use paths below it"
            )


def read_markers(reader: Reader) -> Markers:
    """Return the markers section; every problem goes to the reader."""
    optional = (reader.texts(name, required=False) for name in ("ask", "forget"))
    markers = Markers(reader.texts("write"), reader.texts("read"), *optional)
    one = ("{series}", "{number}")
    wanted = {"write": ("{series}", "{rate}"), "read": ("{series}",), "ask": one, "forget": one}
    for name, placeholders in wanted.items():
        command = getattr(markers, name)
        for placeholder in placeholders:
            if command and placeholder not in command:
                reader.fail(
                    "manifest/argument",
                    reader.span(name),
                    f"markers.{name} does not take {placeholder}",
                    f'add "{placeholder}" to the command',
                )
    reader.done()
    return markers
