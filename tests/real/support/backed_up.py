"""A PostgreSQL with backups and nothing else: a real server, its log's receiver and the real keeper, in a home.

What came back is judged from outside: a restored folder is started as a server and its rows are counted.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from bongsu.cli.recovery import Site, open_all
from bongsu.core import generations
from bongsu.core.manifest import load_manifest
from bongsu.recovery.adapters.postgres import RECEIVER, SLOT, address
from bongsu.recovery.adapters.repository import open_repository
from bongsu.recovery.catalogue import read_head
from bongsu.stack import postgres
from bongsu.stack.home import Home, open_home
from tests.real.support.pg import Postgres, binaries, free_port
from tests.real.support.tiny_system import write_tiny
from tests.real.support.waiting import free_range, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.recovery.ports import Repository

BACKUPS = """
backups:
  configuration: [notes]
  repositories:
    - {name: a, path: repositories/a}
    - {name: b, path: repositories/b}
"""
VERB_SECONDS = 120.0
REPOSITORIES = ("a", "b")


@dataclass(slots=True)
class BackedUp:
    """A home with two repositories, the server whose backups they hold, and the processes that keep them."""

    root: Path
    home: Home
    server: Postgres
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    written: int = 0

    def argv(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).parent / "bongsu"), "--root", str(self.root), *arguments]

    def bongsu(self, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
        """Run a verb to its end; `path` stands before the caller's PATH."""
        env = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}"} if path else None
        return subprocess.run(
            self.argv(*arguments), capture_output=True, text=True, check=False, timeout=VERB_SECONDS, env=env
        )

    def backup(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.bongsu("backup", "--home", str(self.home.path), *arguments)

    def restore(
        self, into: Path, name: str = "b", at: Path | None = None, to: str = "latest"
    ) -> subprocess.CompletedProcess[str]:
        """Restore from a repository, or from a copy of it that lies elsewhere, with nothing but its key."""
        source = ("--from", str(at or self.repository(name)), "--key-file", str(self.key(name)))
        return self.bongsu("restore", "--to", to, *source, "--into", str(into), "--json")

    def repository(self, name: str) -> Path:
        return self.home.path / "repositories" / name

    def key(self, name: str) -> Path:
        return self.home.secrets / f"repository-{name}"

    @property
    def site(self) -> Site:
        environment = {**os.environ, "DATABASE_URL": self.server.url}
        return Site(load_manifest(self.root / "bongsu.yaml"), self.root, self.home, environment)

    def open(self, path: Path, name: str = "b") -> Repository:
        return open_repository(name, path, self.key(name), self.site.commands)

    def write(self, count: int) -> int:
        """Commit so many numbered rows, each on its own, end the log's segment, and return how many there are."""
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS marker (n int PRIMARY KEY, pad text NOT NULL)")
            for number in range(self.written + 1, self.written + count + 1):
                connection.execute("INSERT INTO marker VALUES (%s, md5(random()::text))", (number,))
            connection.execute("SELECT pg_switch_wal()")
        self.written += count
        return self.written

    def now(self) -> float:
        """Return the server's clock, as Unix time."""
        with psycopg.connect(self.server.url) as connection:
            row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
        assert row is not None
        return float(row[0])

    def shipped(self) -> None:
        """Wait until both repositories hold all that is committed now."""
        at = self.now()
        until(lambda: min(self._covered()) > at, "both repositories hold the log")

    def _covered(self) -> list[float]:
        heads = [read_head(one.vault) for one in open_all(self.site)]
        return [head.covered_at if head else 0.0 for head in heads] or [0.0]

    def listed(self) -> dict[str, list[dict[str, Any]]]:
        """Return what `bongsu backup list` shows."""
        done = self.backup("list", "--json")
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def start_keeper(self) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-P", "-m", "bongsu.cli.keep_backups", "--root", str(self.root)]
        env = {**os.environ, "DATABASE_URL": self.server.url}
        return self._start([*argv, "--home", str(self.home.path), "--port", str(free_port())], "keeper", env)

    def start_receiver(self) -> subprocess.Popen[bytes]:
        env = {**os.environ, "PGPASSWORD": self.server.password}
        receiver = [str(binaries() / "pg_receivewal"), f"--slot={SLOT}", "--no-password"]
        target = f"{address(self.server.url)} application_name={RECEIVER}"
        subprocess.run(
            [*receiver, "--create-slot", "--if-not-exists", "-d", address(self.server.url)], check=True, env=env
        )
        folder = self.home.spool / "wal"
        folder.mkdir(parents=True, exist_ok=True)
        argv = [*receiver, "-D", str(folder), "--synchronous", "--status-interval=1", "-d", target]
        return self._start(argv, "receiver", env)

    def _start(self, argv: list[str], name: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.home.log / f"{name}.log").open("ab") as log:
            started = subprocess.Popen(argv, stdout=log, stderr=log, env=env, cwd=self.root)
        self.processes.append(started)
        return started

    def log(self, name: str) -> str:
        return (self.home.log / f"{name}.log").read_text(encoding="utf-8")

    def quiet(self) -> None:
        """Stop everything that writes: what is on disk stays as it is."""
        for process in reversed(self.processes):
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
        self.processes.clear()
        self.server.stop()


@contextmanager
def backed_up(folder: Path) -> Iterator[BackedUp]:
    """Yield a server with 200 rows whose first backup lies in both repositories; stop all of it at the end."""
    root = folder / "system"
    (root / "notes").mkdir(parents=True)
    (root / "notes" / "one.txt").write_text("configuration\n", encoding="utf-8")
    write_tiny(root, free_range())
    with (root / "bongsu.yaml").open("a", encoding="utf-8") as manifest:
        manifest.write(BACKUPS)
    home = open_home(folder / "home")
    generations.ensure(home.path, ["postgres"])
    server = Postgres(folder)
    world = BackedUp(root, home, server)
    try:
        server.init()
        with (server.data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
            settings.write("summarize_wal = on\n")
        server.start()
        (home.secrets / "postgres-password").write_text(server.password, encoding="ascii")
        home.env.write_text(f"export DATABASE_URL={server.url}\n", encoding="utf-8")
        world.start_receiver()
        world.write(200)
        world.start_keeper()
        until(lambda: _has_backups(world), "the keeper's first backup")
        yield world
    finally:
        world.quiet()


def _has_backups(world: BackedUp) -> bool:
    done = world.backup("list", "--json")
    found = json.loads(done.stdout) if done.returncode == 0 else {}
    return len(found) == len(REPOSITORIES) and all(found.values())


@contextmanager
def served(home: Path, password: str) -> Iterator[str]:
    """Start the server of a restored home and yield its URL."""
    folder = home / "data" / "postgres"
    port = free_port()
    url = f"postgresql://bongsu:{password}@127.0.0.1:{port}/postgres"
    argv = [*postgres.unprivileged(), *postgres.server_argv(str(binaries() / "postgres"), folder, port)]
    with (home / "judged.log").open("ab") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    try:
        until(lambda: _answers(url) or process.poll() is not None, "the restored server answers")
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def rows(home: Path, password: str) -> list[int]:
    """Return the numbers that a restored home's server finds."""
    with served(home, password) as url, psycopg.connect(url) as connection:
        return [int(row[0]) for row in connection.execute("SELECT n FROM marker ORDER BY n")]


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
