"""A throwaway PostgreSQL, a writer that logs what was acknowledged, and the two ways to back it up under trial."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import psycopg

from tests.real.support.pg import Postgres, binaries

if TYPE_CHECKING:
    from pathlib import Path

ROWS, ACCOUNTS = 800_000, 1_000
SLOT = "w"
NAME_LENGTH = 24
"""Letters of a complete segment's name."""
SETTINGS = "summarize_wal = on\nwal_level = replica\nmax_wal_size = 4GB\n"
SCHEMA = """
CREATE TABLE filler (id int PRIMARY KEY, pad text);
INSERT INTO filler SELECT g, repeat(md5(g::text || random()), 5) FROM generate_series(1, 800000) g;
CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL);
INSERT INTO account SELECT g, 100 FROM generate_series(1, 1000) g;
CREATE TABLE marker (n bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp());
CHECKPOINT
"""


class Server(Postgres):
    """A server whose processes can all be killed at once, and whose data folder others can fill."""

    def __init__(self, folder: Path, data: str = "data") -> None:
        super().__init__(folder)
        self.data = folder / data
        self.passfile = folder / "passfile"

    @property
    def conninfo(self) -> str:
        """Return a connection string without a password: arguments of processes are public."""
        return f"host=127.0.0.1 port={self.port} user=bongsu dbname=postgres passfile={self.passfile}"

    def keep_password(self) -> None:
        """Write the password where libpq finds it."""
        self.passfile.touch(mode=0o600)
        self.passfile.write_text(f"*:*:*:*:{self.password}\n")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none for a statement."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            cursor = conn.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def kill9(self) -> float:
        """Kill -9 the postmaster and every child, and return the moment before it."""
        assert self._process is not None  # noqa: S101 - a script's own invariant
        postmaster = psutil.Process(self._process.pid)
        doomed = [postmaster, *postmaster.children(recursive=True)]
        at = time.monotonic()
        for process in doomed:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        self._process = None
        return at

    def recover(self) -> float:
        """Start over restored files and return the seconds until the first query on a server open for writing."""
        began = time.monotonic()
        self.start()
        while self.rows("SELECT pg_is_in_recovery()")[0][0]:
            time.sleep(0.02)
        self.rows("SELECT count(*) FROM marker")
        return time.monotonic() - began


class Writer(threading.Thread):
    """Commit markers, each with a transfer between accounts and a changed filler row; `acks` outlives the server."""

    def __init__(self, url: str, first: int = 1) -> None:
        super().__init__()
        self.url, self.first = url, first
        self.acks: list[tuple[int, float]] = []
        self.enough = threading.Event()

    def run(self) -> None:
        """Write until told to stop or until the server is gone."""
        rng = random.Random(self.first)  # noqa: S311 - a reproducible load
        try:
            with psycopg.connect(self.url) as conn:
                number = self.first
                while not self.enough.is_set():
                    giver, taker = rng.sample(range(1, ACCOUNTS + 1), 2)
                    conn.execute("INSERT INTO marker (n) VALUES (%s)", (number,))
                    conn.execute("UPDATE account SET balance = balance - 1 WHERE id = %s", (giver,))
                    conn.execute("UPDATE account SET balance = balance + 1 WHERE id = %s", (taker,))
                    conn.execute("UPDATE filler SET pad = pad || 'x' WHERE id = %s", (rng.randrange(1, ROWS),))
                    conn.commit()
                    self.acks.append((number, time.monotonic()))
                    number += 1
        except psycopg.OperationalError:
            return

    def stop(self) -> None:
        """End writing and wait for the last acknowledgement."""
        self.enough.set()
        self.join()


def judge(server: Server, acks: list[tuple[int, float]], disaster: float) -> dict[str, Any]:
    """Compare the server with the acknowledgements: RPO counts from the last marker of the gap-free prefix."""
    present = {row[0] for row in server.rows("SELECT n FROM marker")}
    prefix = 0
    while prefix < len(acks) and acks[prefix][0] in present:
        prefix += 1
    total = server.rows("SELECT sum(balance) FROM account")[0][0]
    lost = len(acks) - len(present & {number for number, _ in acks})
    return {
        "rpo": max(0.0, disaster - acks[prefix - 1][1]) if prefix else float("inf"),
        "lost": lost,
        "consistent": total == 100 * ACCOUNTS and prefix + lost == len(acks),
    }


def call(argv: list[str], timeout: float = 120, **env: str) -> tuple[int, str]:
    """Run a command and return its exit code and everything it said."""
    try:
        said: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run(argv, **said, timeout=timeout, check=False, env={**os.environ, **env})
    except subprocess.TimeoutExpired:
        return -1, "timeout"
    return done.returncode, done.stdout


def must(result: tuple[int, str]) -> str:
    """Return the output of a command that has to succeed."""
    if result[0] != 0:
        raise RuntimeError(result[1][-3000:])
    return result[1]


class PgTools:
    """PostgreSQL's own programs over two folders: backups and a spool of WAL."""

    def __init__(self, server: Server) -> None:
        self.server, self.folder = server, server.folder / "ours"
        self.wals = self.folder / "wal"
        self.receiver: subprocess.Popen[bytes] | None = None
        self.chain: list[Path] = []

    def begin(self) -> None:
        """Create the slot and stream into the spool."""
        self.wals.mkdir(parents=True)
        where = ["-d", self.server.conninfo, f"--slot={SLOT}"]
        must(call([str(binaries() / "pg_receivewal"), *where, "--create-slot", "--if-not-exists"]))
        self.receive()

    def receive(self) -> None:
        """Start the receiver."""
        argv = [str(binaries() / "pg_receivewal"), "-d", self.server.conninfo, f"--slot={SLOT}"]
        argv += ["-D", str(self.wals), "--synchronous", "--no-loop", "--status-interval=1"]
        with (self.folder / "receiver.log").open("ab") as log:
            self.receiver = subprocess.Popen(argv, stdout=log, stderr=log)

    def backup(self, *, incremental: bool) -> Path:
        """Take a backup and return its folder."""
        into = self.folder / f"backup{len(self.chain)}"
        argv = [str(binaries() / "pg_basebackup"), "-d", self.server.conninfo, "-D", str(into), "-X", "none"]
        argv += ["--checkpoint=fast", *([f"--incremental={self.chain[-1] / 'backup_manifest'}"] if incremental else [])]
        must(call(argv))
        self.chain.append(into)
        return into

    def restore(self, data: Path, *, partial: bool, target: str | None = None) -> tuple[int, str]:
        """Combine the chain, lay the spool beside it and ask for recovery to its end or to `target`."""
        done = call([str(binaries() / "pg_combinebackup"), "-o", str(data), *map(str, self.chain)])
        for segment in self.segments():
            shutil.copyfile(segment, data / "pg_wal" / segment.name)
        for segment in self.wals.glob("*.partial") if partial else ():
            shutil.copyfile(segment, data / "pg_wal" / segment.stem)
        with (data / "postgresql.auto.conf").open("a") as settings:
            settings.write("restore_command = 'false'\n")
            if target:
                settings.write(f"recovery_target_time = '{target}'\nrecovery_target_action = promote\n")
        (data / "recovery.signal").touch()
        return done

    def verify(self) -> dict[str, int]:
        """Return the exit codes of everything that could notice damage."""
        verify, dump = str(binaries() / "pg_verifybackup"), str(binaries() / "pg_waldump")
        names = [segment.name for segment in self.segments()]
        codes = {f"pg_verifybackup {kind}": call([verify, "-n", "-q", str(path)])[0] for kind, path in self.kinds()}
        codes["pg_verifybackup -w"] = call([verify, "-s", "-q", "-w", str(self.wals), str(self.chain[-1])])[0]
        codes["pg_waldump all WAL"] = call([dump, "-q", "-p", str(self.wals), names[0], names[-1]])[0]
        return codes

    def kinds(self) -> list[tuple[str, Path]]:
        """Return the backups by kind."""
        return list(zip(("full", "incremental"), self.chain, strict=True))

    def segments(self) -> list[Path]:
        """Return the complete segments in order."""
        return sorted(path for path in self.wals.iterdir() if len(path.name) == NAME_LENGTH)

    def received(self) -> set[str]:
        """Return the names of complete segments that have left the server."""
        return {path.name for path in self.segments()}

    def stop(self) -> None:
        """End the receiver: its server is gone, or it is told to."""
        if self.receiver:
            self.receiver.terminate()
            self.receiver.wait()


CONFIGURATION = """[barman]
barman_user = {user}
barman_home = {home}
barman_lock_directory = {home}
configuration_files_directory = {home}/conf.d
log_file = {home}/log
[t]
description = trial
conninfo = {conninfo}
streaming_conninfo = {conninfo}
backup_method = postgres
streaming_archiver = on
slot_name = {slot}
create_slot = auto
path_prefix = {binaries}
backup_directory = {home}/t
backup_options = concurrent_backup
immediate_checkpoint = true
"""


class Barman:
    """Barman over its streaming archiver; its catalogue and configuration survive the disaster."""

    def __init__(self, server: Server) -> None:
        self.server, self.home = server, server.folder / "barman"
        self.backups = self.home / "t" / "base"
        self.wals = self.home / "t" / "wals" / f"{1:08X}{0:08X}"
        self.config = self.home / "barman.conf"

    def run(self, *args: str) -> tuple[int, str]:
        """Run one barman command; rsync must be on its PATH."""
        path = os.pathsep.join(filter(None, (os.environ.get("RSYNC"), os.environ["PATH"])))
        return call([os.environ["BARMAN"], "-c", str(self.config), *args], PATH=path)

    def begin(self) -> None:
        """Write the configuration; two runs of cron create the slot and start the receiver."""
        (self.home / "conf.d").mkdir(parents=True)
        where = {"home": self.home, "user": psutil.Process().username(), "slot": SLOT, "binaries": binaries()}
        self.config.write_text(CONFIGURATION.format(conninfo=self.server.conninfo, **where))
        self.receive()

    def receive(self) -> None:
        """Let cron start the receiver and wait for it."""
        must(self.run("cron"))
        deadline = time.monotonic() + 10
        while "receive-wal running: OK" not in self.run("check", "t")[1] and time.monotonic() < deadline:
            time.sleep(0.1)

    def ids(self) -> list[str]:
        """Return the ids of the backups, oldest first."""
        return sorted(path.name for path in self.backups.iterdir())

    def backup(self, *, incremental: bool) -> Path:
        """Take a backup and return its folder."""
        must(self.run("backup", *(["--incremental", "latest"] if incremental else []), "t"))
        return self.backups / self.ids()[-1] / "data"

    def restore(self, data: Path, *, partial: bool, target: str | None = None) -> tuple[int, str]:
        """Restore the latest backup with copies of the WAL: `get-wal` would need Barman's account on the new server."""
        options = [*(["--partial-wal"] if partial else []), *(["--target-time", target] if target else [])]
        options += ["--target-action", "promote"] if target else []
        return self.run("restore", "--no-get-wal", *options, "t", self.ids()[-1], str(data))

    def verify(self) -> dict[str, int]:
        """Return the exit codes of everything that could notice damage."""
        codes = {}
        for kind, name in zip(("full", "incremental"), self.ids(), strict=True):
            codes[f"verify-backup {kind}"] = self.run("verify-backup", "t", name)[0]
        codes["check-backup"] = self.run("check-backup", "t", self.ids()[-1])[0]
        codes["check"] = self.run("check", "t")[0]
        return codes

    def segments(self) -> list[Path]:
        """Return the archived segments in order, after archiving what is complete."""
        must(self.run("archive-wal", "t"))
        return sorted(path for path in self.wals.iterdir() if len(path.name) == NAME_LENGTH)

    def received(self) -> set[str]:
        """Return the names of complete segments that have left the server, archived or not."""
        found = [*self.wals.glob("*"), *(self.home / "t" / "streaming").iterdir()]
        return {path.name for path in found if len(path.name) == NAME_LENGTH}

    def stop(self) -> None:
        """End the receivers of this home."""
        home = str(self.home)
        mine = [p for p in psutil.process_iter(["cmdline"]) if any(home in part for part in p.info["cmdline"] or ())]
        for process in mine:
            process.terminate()
        psutil.wait_procs(mine, timeout=5)


TOOLS: dict[str, Any] = {"barman": Barman, "pg-tools": PgTools}
