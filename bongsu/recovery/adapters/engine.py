"""Turn base, increments and log into a running PostgreSQL, privately: loopback, a port of its own, no archive.

The log lies in pg_wal and `restore_command` fails on purpose: archive recovery then reads what is there. Settings are
given on the command line only, so nothing of a recovery stays in postgresql.auto.conf (research/restore.md 2b).
Source: PostgreSQL 18 documentation, 19.5.4 Archive Recovery, 19.5.5 Recovery Target.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from bongsu.core.errors import StateError
from bongsu.recovery.adapters.postgres import BEATS, MANIFEST, SLOT, VERSION_FILE, read_manifest
from bongsu.recovery.ports import Served

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bongsu.recovery.ports import Commands, Ended, Running

HOST = "127.0.0.1"
SIGNAL = "recovery.signal"
_COMBINE_SECONDS = 6 * 3600.0
_REPLAY_SECONDS = 4 * 3600.0
"""RTO's limit: a replay that takes longer has failed whatever it does later."""
_STOP_SECONDS = 120.0
_CONNECT_SECONDS = 3
_POLL_SECONDS = 0.05
_LINKS_SINCE = 18
_SHOWN_LINES = 8
_FATAL = re.compile(r"(?:FATAL|PANIC):\s+(.*)")
_STARTING = "starting up"


@dataclass(frozen=True, slots=True)
class PostgresEngine:
    """The programs of PostgreSQL. `server` makes the command line for a data folder and a port.

    `stored` is the password of the cluster that was backed up, `wanted` the one of the home it comes into. `owner` is
    the user id that the server runs as, when it is not ours.
    """

    programs: Path
    version: int
    commands: Commands
    server: Callable[[Path, int], Sequence[str]]
    prefix: Sequence[str]
    user: str
    stored: str = field(repr=False)
    wanted: str = field(repr=False)
    owner: int | None = None

    async def combine(self, chain: Sequence[Path], into: Path) -> None:
        """Make one whole copy, in an absent folder, of a full copy and its increments; the chain is used up."""
        for folder in chain:
            read_manifest(folder)
            if not (folder / VERSION_FILE).is_file():
                raise StateError("the base backup is empty: what its manifest names is not there", where=str(folder))
        if len(chain) == 1:
            chain[0].rename(into)
        else:
            links = ["--link"] if self.version >= _LINKS_SINCE else []  # the inputs go, so nothing can harm them
            argv = [str(self.programs / "pg_combinebackup"), *links, "--no-sync", "-o", str(into), *map(str, chain)]
            done = await self.commands.run(argv, seconds=_COMBINE_SECONDS)
            if done.code != 0 or not (into / MANIFEST).is_file():
                raise StateError(f"pg_combinebackup failed (exit code {done.code}): {_said(done)}", where=str(into))
            for folder in chain:
                shutil.rmtree(folder)
        into.chmod(0o700)

    async def recover(self, folder: Path, timeline: int, target: float | None, log: Path) -> Served:
        """Replay the log in the folder's pg_wal to the instant (None: to its end), promote, keep the log from there."""
        (folder / SIGNAL).touch(mode=0o600)
        (folder / "pg_wal").mkdir(mode=0o700, exist_ok=True)
        port = free_port()
        settings = {
            "restore_command": "false",
            "recovery_target_timeline": str(timeline),
            "recovery_target_action": "promote",
            "hot_standby": "off",
        }
        if target is not None:
            settings["recovery_target_time"] = datetime.fromtimestamp(target, UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._own(folder)
        process = await self.commands.start([*self.server(folder, port), *options], log, prefix=self.prefix)
        try:
            url = await self._until_promoted(process, port, log)
            await self._settle(url)
        except BaseException:
            await process.stop(signal.SIGKILL, _STOP_SECONDS)
            raise
        return Served(self._url(port, self.wanted), process)

    async def beat(self, url: str) -> int:
        """Return the number of the newest heartbeat in a database."""
        return int(await _value(url, sql.SQL(BEATS)))

    async def end(self, served: Served) -> None:
        """Shut the database down so that all is on disk."""
        await served.process.stop(signal.SIGINT, _STOP_SECONDS)

    async def _until_promoted(self, process: Running, port: int, log: Path) -> str:
        url = self._url(port, self.stored)
        deadline = time.monotonic() + _REPLAY_SECONDS
        while time.monotonic() < deadline:
            if process.ended() is not None:
                raise StateError(f"PostgreSQL could not replay the log: {_last_words(log)}", where=str(log))
            try:
                if await _value(url, sql.SQL("SELECT NOT pg_is_in_recovery()")):
                    return url
            except psycopg.OperationalError as error:
                if "password authentication failed" in str(error):
                    raise StateError(
                        "the restored database does not know the password that was stored with it", where=str(log)
                    ) from None
            await asyncio.sleep(_POLL_SECONDS)
        raise StateError(f"the log was not replayed within {_REPLAY_SECONDS:g} s", where=str(log))

    async def _settle(self, url: str) -> None:
        """Keep the log from here on for whoever will receive it, and let the home's own password in."""
        slot = sql.SQL(
            "SELECT pg_create_physical_replication_slot({slot}, true) "
            "WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = {slot})"
        ).format(slot=sql.Literal(SLOT))
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(slot)
            if self.wanted != self.stored:
                change = sql.SQL("ALTER ROLE {} PASSWORD {}")
                await connection.execute(change.format(sql.Identifier(self.user), sql.Literal(self.wanted)))

    def _url(self, port: int, password: str) -> str:
        return f"postgresql://{self.user}:{password}@{HOST}:{port}/postgres"

    def _own(self, folder: Path) -> None:
        if self.owner is not None:
            for path in (folder.parent, folder, *folder.rglob("*")):
                os.chown(path, self.owner, self.owner, follow_symlinks=False)


async def _value(url: str, statement: sql.SQL) -> Any:
    async with await psycopg.AsyncConnection.connect(url, connect_timeout=_CONNECT_SECONDS) as connection:
        row = await (await connection.execute(statement)).fetchone()
    return row[0] if row else None


def _last_words(log: Path) -> str:
    """Return what the server said of its end; refused connections of ours are no reason."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [found.group(1) for line in lines if (found := _FATAL.search(line)) and _STARTING not in line]
    return found[-1] if found else " ".join(lines[-_SHOWN_LINES:])


def _said(done: Ended) -> str:
    return " ".join((done.err or done.out).split())[-600:] or "it said nothing"


def free_port() -> int:
    """Return a port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
