"""The keeper of a home's backups, a process of the stack: it ships the log every second and takes what is due.

Not a verb: `python -m bongsu.cli.keep_backups` is started by the supervisor. What is due is asked once a minute by the
queue library's scheduler, so that two keepers of one database do not both take it, and decided from what the
repositories hold (recovery/schedule.py): a minute that was missed costs a minute.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.db import PsycopgDriver
from pgqueuer.domain.settings import DBSettings
from pgqueuer.queries import Queries

from bongsu.cli.recovery import Site, backup_lock, ensure_place, sources_of
from bongsu.core.errors import BongsuError
from bongsu.core.manifest import FILE, load_manifest
from bongsu.recovery.adapters.postgres import SCHEMA
from bongsu.recovery.backup import Outcome, run_backup
from bongsu.recovery.catalogue import VERIFIED, read_catalogue
from bongsu.recovery.expire import expire
from bongsu.recovery.schedule import Situation, Wanted, due, newest
from bongsu.recovery.ship import Shipper, clear_spool
from bongsu.recovery.verify import verify
from bongsu.stack.backups import WAL_FOLDER
from bongsu.stack.home import read_home
from bongsu.stack.keeper import Gauges, Notes, read_notes, write_notes
from bongsu.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bongsu.core.backups import Schedule
    from bongsu.recovery.backup import Sources
    from bongsu.recovery.catalogue import Catalogue
    from bongsu.recovery.ports import Repository

SHIP_SECONDS = 1.0
LOOK_SECONDS = 5.0
RETRY_SECONDS = 5.0
SETTLE_SECONDS = 15.0
"""After a restart, what fell due meanwhile waits so long."""
EVERY_MINUTE = "* * * * *"
ENTRYPOINT = "backups"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Keeper:
    """What one keeper works with; everything runs on one event loop, slow work in threads."""

    site: Site
    sources: Sources
    gauges: Gauges
    notes: Notes
    repositories: list[Repository] = field(default_factory=list)
    shippers: list[Shipper] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    working: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self) -> None:
        """Open every repository of the manifest; one that cannot be opened is tried again and again, and counted."""
        absent = list(self.site.backups.repositories)
        complaint: dict[str, str] = {}
        while absent and not self.stopping.is_set():
            for place in tuple(absent):
                try:
                    repository = await ensure_place(self.site, place)
                    system_id, _ = await self.identity()
                    shipper = Shipper(repository.vault, self.site.home.spool / WAL_FOLDER, system_id)
                    await asyncio.to_thread(shipper.open)
                except (BongsuError, OSError, psycopg.Error) as error:
                    if complaint.get(place.name) != str(error):
                        self._note_failure([place.name], str(error))
                    self._say(complaint, place.name, str(error))
                    continue
                absent.remove(place)
                self._say(complaint, place.name, "")
                self.repositories.append(repository)
                self.shippers.append(shipper)
            if self.repositories:  # each was tried: the first backup goes into all that answer
                self.opened.set()
            if absent:
                await self.pause(RETRY_SECONDS)

    async def ship(self) -> None:
        """Ship the log into every repository, each second, until stopped; one that fails does not stop the others."""
        spool = self.site.home.spool / WAL_FOLDER
        complaint: dict[str, str] = {}
        while not self.stopping.is_set():
            began = time.monotonic()
            beat = None
            try:
                beat = await self.sources.database.beat()
                self._say(complaint, "database", "")
            except BongsuError as error:
                self._say(complaint, "database", str(error))
            for repository, shipper in zip(self.repositories, self.shippers, strict=True):
                try:
                    head = await asyncio.to_thread(shipper.ship, beat, time.time())
                    self._say(complaint, repository.name, "")
                except (BongsuError, OSError) as error:
                    self._say(complaint, repository.name, str(error))
                    continue
                if head is not None:
                    self.gauges.covered.labels(repository.name).set(head.covered_at)
            if len(self.shippers) == len(self.site.backups.repositories):
                await asyncio.to_thread(clear_spool, spool, [shipper.head for shipper in self.shippers])
            await self.pause(SHIP_SECONDS - (time.monotonic() - began))

    async def look(self) -> None:
        """Read the repositories again and again: what they hold is the truth about backups, not what we remember."""
        while not self.stopping.is_set():
            for repository in self.repositories:
                try:
                    catalogue = await asyncio.to_thread(read_catalogue, repository.vault)
                except BongsuError as error:
                    _log.error("%s", error)
                    continue
                self._show(repository, catalogue)
            await self.pause(LOOK_SECONDS)

    def _show(self, repository: Repository, catalogue: Catalogue) -> None:
        for part in self.site.cadence:
            at = newest(catalogue.backups, part)
            self.gauges.last_success.labels(repository.name, part).set(max(at, 0.0))
        verified = _verified(repository)
        self.gauges.verified.labels(repository.name).set(verified)
        if self.notes.damaged.get(repository.name) and verified > self.notes.read_at[repository.name]:
            self._note_damage(repository.name, 0)  # a person repaired it and ran `bongsu backup verify`

    async def keep(self) -> None:
        """Let the queue library ask once a minute what is due; a lost database is waited for."""
        url = self.site.environment[self.site.database.env]
        await self.opened.wait()
        if await asyncio.to_thread(self.have_backups):  # people wait for the system now, not for another copy
            await self.pause(SETTLE_SECONDS)
        await self.take_due()
        while not self.stopping.is_set():
            try:
                async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                    manager = await _scheduler(connection)
                    manager.shutdown = self.stopping

                    @manager.schedule(ENTRYPOINT, EVERY_MINUTE, accepts_context=False)
                    async def _(_schedule: object) -> None:
                        await self.take_due()

                    await manager.run()
            except (psycopg.Error, OSError) as error:
                _log.warning("the schedule waits for its database: %s", type(error).__name__)
            await self.pause(RETRY_SECONDS)

    def have_backups(self) -> bool:
        """Tell whether every repository holds a backup to restore from."""
        try:
            return all(read_catalogue(repository.vault).backups for repository in self.repositories)
        except BongsuError as error:
            _log.error("%s", error)
            return False

    async def take_due(self) -> None:
        """Take what is due now; a failure is noted, counted and tried again in a minute."""
        if self.working.locked():
            return
        async with self.working:
            try:
                async with backup_lock(self.site.home):
                    await self._take_due()
            except (BongsuError, OSError, psycopg.Error) as error:
                _log.error("no backup: %s", error)
                self._note_failure([one.name for one in self.repositories], str(error))

    async def _take_due(self) -> None:
        schedule = self.site.backups.schedule
        catalogues = [await asyncio.to_thread(read_catalogue, one.vault) for one in self.repositories]
        wanted = due(catalogues, schedule, await self.situation(), time.time())
        if wanted:
            self.note(await self.timed(wanted))
            if wanted.database:
                for shipper in self.shippers:
                    shipper.holes = 0
            await self.tidy(schedule)
        await self.verify_due(schedule)

    async def timed(self, wanted: Wanted) -> Outcome:
        """Take one backup with the clock on it."""
        self.gauges.running_since = time.time()
        try:
            return await run_backup(wanted, self.sources, self.repositories, _log.info)
        finally:
            self.gauges.running_since = 0.0

    async def situation(self) -> Situation:
        """Return where the cluster stands; raise UnreachableError when it does not answer."""
        system_id, timeline = await self.identity()
        digest = await asyncio.to_thread(self.sources.configuration.digest)
        holes = any(shipper.holes for shipper in self.shippers)
        return Situation(system_id, timeline, digest, holes, index=self.sources.vectors is not None)

    async def identity(self) -> tuple[str, int]:
        """Return the cluster's identity and its timeline, by a connection of its own."""
        url = self.site.environment[self.site.database.env]
        query = "SELECT system_identifier::text, timeline_id FROM pg_control_system(), pg_control_checkpoint()"
        async with await psycopg.AsyncConnection.connect(url) as connection:
            row = await (await connection.execute(query)).fetchone()
        return (str(row[0]), int(row[1])) if row else ("", 0)

    async def tidy(self, schedule: Schedule) -> None:
        """Let what is too old go."""
        for repository in self.repositories:
            for backup in await expire(repository, schedule.keep, time.time()):
                _log.info("%s: %s is older than it is kept and went", repository.name, backup.id)

    async def verify_due(self, schedule: Schedule) -> None:
        """Read every byte of a repository once a day, and once a day only: it is again as damaged a minute later."""
        for repository in self.repositories:
            name = repository.name
            if time.time() - max(self.notes.read_at.get(name, self.notes.watched_since), _verified(repository)) < (
                schedule.verify
            ):
                continue
            report = await verify(repository, time.time())
            for finding in report.findings:
                _log.error("%s", finding)
            self.notes.read_at[name] = time.time()
            self._note_damage(name, len(report.findings))

    def _note_damage(self, name: str, count: int) -> None:
        self.notes.damaged[name] = count
        self.gauges.damaged.labels(name).set(count)
        write_notes(self.site.home.path, self.notes)

    def note(self, outcome: Outcome) -> None:
        """Write down what became of a backup."""
        for name, error in outcome.errors.items():
            self.notes.failed[name] = self.notes.failed.get(name, 0) + 1 if error else 0
            self.gauges.failed.labels(name).set(self.notes.failed[name])
            self.gauges.runs.labels(name, "error" if error else "ok").inc()
        for part, size in outcome.bytes.items():
            self.gauges.bytes.labels(part).set(size)
            self.gauges.duration.labels(part).set(outcome.seconds)
        self.notes.last = {
            "id": outcome.id,
            "at": time.time(),
            "ok": outcome.ok,
            "database": outcome.wanted.database,
            "vectors": outcome.wanted.vectors,
            "seconds": round(outcome.seconds, 3),
            "errors": outcome.errors,
        }
        write_notes(self.site.home.path, self.notes)

    def _note_failure(self, names: Sequence[str], error: str) -> None:
        for name in names:
            self.notes.failed[name] = self.notes.failed.get(name, 0) + 1
            self.gauges.failed.labels(name).set(self.notes.failed[name])
            self.gauges.runs.labels(name, "error").inc()
        self.notes.last = {"at": time.time(), "ok": False, "errors": dict.fromkeys(names, error)}
        write_notes(self.site.home.path, self.notes)

    async def stop(self) -> None:
        """Once asked to, stop everything at once: what was under way cleans up after itself."""
        await self.stopping.wait()
        raise _Stopped

    async def pause(self, seconds: float) -> None:
        """Wait, or until stopped."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self.stopping.wait()

    def _say(self, complaint: dict[str, str], who: str, what: str) -> None:
        """Log a complaint once, and its end: not once a second."""
        if complaint.get(who, "") != what:
            _log.log(logging.ERROR if what else logging.INFO, "%s: %s", who, what or "answers again")
        complaint[who] = what


async def keep_backups(site: Site, port: int) -> None:
    """Keep the backups of a home until SIGTERM; a backup under way then is given up and cleaned away."""
    sources = sources_of(site)
    notes = read_notes(site.home.path)
    write_notes(site.home.path, notes)
    names = tuple(place.name for place in site.backups.repositories)
    gauges = Gauges(names, site.cadence)
    gauges.watched_since.set(notes.watched_since)
    for name in names:  # a repository that the manifest no longer names has no series either
        gauges.failed.labels(name).set(notes.failed.get(name, 0))
        gauges.damaged.labels(name).set(notes.damaged.get(name, 0))
    keeper = Keeper(site, sources, gauges, notes)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, keeper.stopping.set)
    await sources.database.prepare()
    gauges.serve(port)
    try:
        async with asyncio.TaskGroup() as group:
            for work in (keeper.open(), keeper.ship(), keeper.look(), keeper.keep(), keeper.stop()):
                group.create_task(work)
    except* _Stopped:
        pass


class _Stopped(Exception):  # noqa: N818 - the way out of a task group, no error
    """End every task of the keeper."""


def _verified(repository: Repository) -> float:
    """Return when all of a repository was last found right; 0 for never, and for a damaged note."""
    with contextlib.suppress(BongsuError, ValueError):
        return float(repository.vault.get(VERIFIED).content) if repository.vault.has(VERIFIED) else 0.0
    return 0.0


async def _scheduler(connection: psycopg.AsyncConnection) -> SchedulerManager:
    """Return the queue library's scheduler with its tables in a schema of our own, installed when absent."""
    settings = DBSettings(db_schema=SCHEMA)
    queries = Queries(
        PsycopgDriver(connection),
        qbe=QueryBuilderEnvironment(settings),
        qbq=QueryQueueBuilder(settings),
        qbs=QuerySchedulerBuilder(settings),
    )
    if not await queries.has_table(settings.schedules_table):
        await queries.install(create_schema=False)
    return SchedulerManager(queries)


def main(argv: Sequence[str]) -> int:
    """Keep backups as a process of its own; return the exit code of the contract."""
    parser = argparse.ArgumentParser(prog="python -m bongsu.cli.keep_backups", description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    args = parser.parse_args(argv)
    logs.setup()
    logging.getLogger("pgqueuer").setLevel(logging.WARNING)
    try:
        site = Site(load_manifest(args.root / FILE), args.root, read_home(args.home), os.environ)
        asyncio.run(keep_backups(site, args.port))
    except BongsuError as error:
        _log.error("%s", error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
