"""PostgreSQL's side of a backup: heartbeats, base backups, increments; by its own tools (docs/adr/0011).

Source: PostgreSQL 18 documentation, 25.3 Continuous Archiving, pg_basebackup, pg_verifybackup.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bongsu.core.errors import StateError, UnreachableError
from bongsu.recovery import wal
from bongsu.recovery.ports import Base, Beat

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bongsu.recovery.ports import Commands, Ended

SLOT = "bongsu_wal"
RECEIVER = "bongsu-wal"
MANIFEST, VERSION_FILE = "backup_manifest", "PG_VERSION"
_CONNECT_SECONDS = 5
_STATEMENT_SECONDS = 10.0
_COPY_SECONDS = 6 * 3600.0
_SHOWN = 600

SCHEMA = "bongsu_keeper"
"""Ours alone, and no name of a user: a schema of a user's own name comes before `public` for all that user makes."""
PREPARE = """
CREATE SCHEMA IF NOT EXISTS bongsu_keeper;
CREATE TABLE IF NOT EXISTS bongsu_keeper.heartbeat (one boolean PRIMARY KEY CHECK (one), number bigint NOT NULL);
INSERT INTO bongsu_keeper.heartbeat VALUES (true, 0) ON CONFLICT DO NOTHING;
"""
_BEAT = """
UPDATE bongsu_keeper.heartbeat SET number = number + 1 RETURNING number, extract(epoch FROM clock_timestamp())::float8
"""
_LOG = """
SELECT pg_current_wal_flush_lsn()::text,
       (SELECT flush_lsn::text FROM pg_stat_replication WHERE application_name = %s ORDER BY 1 DESC NULLS LAST LIMIT 1)
"""
BEATS = "SELECT number FROM bongsu_keeper.heartbeat"


@dataclass(slots=True)
class PostgresDatabase:
    """One server by its URL, and the folder of its programs. Not to be shared between tasks."""

    url: str = field(repr=False)
    programs: Path
    commands: Commands
    _connection: psycopg.AsyncConnection[Any] | None = None

    async def base(self, into: Path, parent: Path | None) -> Base:
        """Copy the cluster into an absent folder and check the copy; `parent` is the manifest to be incremental to."""
        argv = [str(self.programs / "pg_basebackup"), "-D", str(into), "-X", "none", "--checkpoint=fast"]
        argv += ["--no-password", "-d", address(self.url), *([f"--incremental={parent}"] if parent else [])]
        _require(await self.commands.run(argv, env=secret(self.url), seconds=_COPY_SECONDS), "pg_basebackup")
        made = read_manifest(into)
        await verify(self.commands, self.programs, into)
        return made

    async def beat(self) -> Beat:
        """Commit a heartbeat; raise UnreachableError when the server or the receiver of its log does not answer."""
        try:
            async with asyncio.timeout(_STATEMENT_SECONDS):
                number, at = await self._row(_BEAT)
                flushed, received = await self._row(_LOG, RECEIVER)
        except (psycopg.Error, TimeoutError) as error:
            await self.close()
            raise UnreachableError(
                f"PostgreSQL does not answer ({type(error).__name__}): no heartbeat", where=address(self.url)
            ) from error
        if received is None:
            raise UnreachableError(
                "nobody receives PostgreSQL's log (pg_receivewal)", where=address(self.url), next="`bongsu status`"
            )
        return Beat(int(number), float(at), wal.parse_lsn(flushed), wal.parse_lsn(received))

    async def prepare(self) -> tuple[str, int]:
        """Make the heartbeat's table; return the cluster's identity and its timeline."""
        connection = await self._connect()
        await connection.execute(PREPARE)
        size = (await self._row("SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'"))[0]
        if size != wal.SEGMENT_BYTES:
            raise StateError(f"WAL segments of {size} bytes are not supported", where=address(self.url))
        row = await self._row(
            "SELECT system_identifier::text, timeline_id FROM pg_control_system(), pg_control_checkpoint()"
        )
        return str(row[0]), int(row[1])

    async def close(self) -> None:
        """Let go of the connection; the next statement makes a new one."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _row(self, statement: LiteralString, *values: object) -> tuple[Any, ...]:
        cursor = await (await self._connect()).execute(statement, values or None)
        row = await cursor.fetchone()
        if row is None:
            raise StateError(
                "bongsu_keeper.heartbeat is empty: somebody deleted its row",
                where=address(self.url),
                next="restart backups",
            )
        return tuple(row)

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self.url, autocommit=True, connect_timeout=_CONNECT_SECONDS
            )
        return self._connection


def address(url: str) -> str:
    """Return the connection string without its password: fit for command lines and messages."""
    parts: dict[str, Any] = {name: value for name, value in conninfo_to_dict(url).items() if name != "password"}
    return make_conninfo(**parts)


def secret(url: str) -> Mapping[str, str]:
    """Return the variables that carry what `address` leaves out."""
    password = conninfo_to_dict(url).get("password")
    return {"PGPASSWORD": str(password)} if password else {}


async def verify(commands: Commands, programs: Path, folder: Path) -> None:
    """Compare every file of a base backup with its manifest; raise StateError with what differs.

    The WAL is not looked at (`-n`): it comes by the stream.
    """
    done = await commands.run([str(programs / "pg_verifybackup"), "-n", str(folder)], seconds=_COPY_SECONDS)
    if done.code != 0 or "successfully verified" not in done.out:
        raise StateError(f"pg_verifybackup does not accept it: {_tail(done)}", where=str(folder))


def read_manifest(folder: Path) -> Base:
    """Return what PostgreSQL's own manifest of a base backup says; raise StateError for an empty or strange one."""
    file = folder / MANIFEST
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        ranges, files = content["WAL-Ranges"], content["Files"]
        base = Base(
            system_id=str(content["System-Identifier"]),
            timeline=int(ranges[-1]["Timeline"]),
            start_lsn=wal.parse_lsn(ranges[0]["Start-LSN"]),
            end_lsn=wal.parse_lsn(ranges[-1]["End-LSN"]),
            files=len(files),
            bytes=sum(int(one["Size"]) for one in files),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise StateError(
            f"there is no base backup here ({type(error).__name__}): the program that should have made it did nothing",
            where=str(file),
        ) from error
    if not base.bytes or not any(str(one.get("Path")) == VERSION_FILE for one in files):
        raise StateError("the base backup is empty", where=str(file))
    return base


def _require(done: Ended, program: str) -> None:
    if done.code != 0:
        raise StateError(f"{program} failed (exit code {done.code}): {_tail(done)}")


def _tail(done: Ended) -> str:
    return " ".join((done.err or done.out).split())[-_SHOWN:] or "it said nothing"
