"""The stack on real processes, around the smallest system."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
import pytest_asyncio

from bongsu.core.errors import StateError, UnreachableError
from bongsu.core.manifest import Manifest, load_manifest
from bongsu.stack import pids
from bongsu.stack.child import spawn, terminate
from bongsu.stack.home import Home, fresh_home, open_home
from bongsu.stack.options import StackOptions
from bongsu.stack.ports import free_ports
from bongsu.stack.run import Stack, running_stack
from bongsu.stack.state import read_state
from tests.real.support import tiny_system
from tests.real.support.pg import Postgres
from tests.real.support.tiny_system import compiled, write_tiny
from tests.real.support.waiting import free_range, until, until_async

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).parents[2]
FENCED = StackOptions(ignore_environment_urls=True, scrape_seconds=0.5)


@dataclass(frozen=True, slots=True)
class World:
    """A running stack, what its processes wrote, and what the file system looked like before."""

    stack: Stack
    seen: Path
    modes: dict[Path, int]
    passwd: bytes


@contextmanager
def tiny(web: str = "serve", base: int = 8700) -> Iterator[tuple[Path, Manifest, Path]]:
    """Yield the root, the manifest and the folder of what its processes saw."""
    with tempfile.TemporaryDirectory(prefix="bongsu-tiny-") as folder:
        root = Path(folder) / "repository"
        root.mkdir(mode=0o711)
        seen = write_tiny(root, base, web)
        yield root, load_manifest(root / "bongsu.yaml"), seen


def modes_above(path: Path) -> dict[Path, int]:
    return {parent: stat.S_IMODE(parent.stat().st_mode) for parent in path.parents}


def users() -> bytes:
    return Path("/etc/passwd").read_bytes()


def text_and_mode(path: Path | str) -> tuple[str, int]:
    return Path(path).read_text(), stat.S_IMODE(Path(path).stat().st_mode)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(server: Postgres) -> AsyncIterator[World]:
    with tiny() as (root, manifest, seen), fresh_home() as home:
        before, passwd = modes_above(home.path / "x"), users()
        others = {"DATABASE_URL": server.create_database("untouched"), "PGDATABASE": "untouched"}
        environment = {**os.environ, **others, "PGHOST": "127.0.0.1", "PGPORT": str(server.port)}
        async with running_stack(manifest, root, home, FENCED, compiled, environment=environment) as stack:
            yield World(stack, seen, before, passwd)


async def query(stack: Stack, expression: str) -> list[dict[str, object]]:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{stack.urls['prometheus']}/api/v1/query", params={"query": expression})
    found: list[dict[str, object]] = answer.json()["data"]["result"]
    return found


async def test_everything_runs_and_prometheus_scrapes_all_of_it(world: World) -> None:
    assert {process.phase for process in world.stack.processes()} == {"running"}

    async def all_up() -> bool:
        up = {str(one["metric"]["instance"]) for one in await query(world.stack, "up == 1")}  # type: ignore[index]
        return up == {"web", "worker-1", "worker-2", "prometheus", "alertmanager", "node", "supervisor", "watch"}

    await until_async(all_up, "every target is up")


async def test_everything_listens_on_the_loopback_only(world: World) -> None:
    import psutil  # noqa: PLC0415 - only here

    ours = {pid for pid, _ in pids.members(world.stack.home.identity)}
    listening = [c for c in psutil.net_connections("inet") if c.status == psutil.CONN_LISTEN and c.pid in ours]
    assert len(listening) >= 8
    assert {c.laddr.ip for c in listening if c.laddr} == {"127.0.0.1"}


async def test_the_system_sees_its_addresses_and_none_of_the_callers(world: World) -> None:
    seen = json.loads(next(world.seen.glob("env-*.json")).read_text())
    assert seen["DATABASE_URL"] == world.stack.urls["postgres"]
    assert seen["TINY_URL"] == world.stack.urls["web"]
    assert not {"PGHOST", "PGPORT", "PGDATABASE"} & set(seen)


async def test_the_callers_database_is_not_touched(world: World, server: Postgres) -> None:
    assert {process.phase for process in world.stack.processes()} == {"running"}
    with psycopg.connect(server.url) as connection:
        statistics = "SELECT sessions, tup_inserted FROM pg_stat_database WHERE datname = 'untouched'"
        assert connection.execute(statistics).fetchone() == (0, 0)


async def test_the_setup_ran_with_the_secret_that_only_its_owner_reads(world: World) -> None:
    key, mode = text_and_mode(world.stack.env["TINY_KEY_FILE"])
    assert (text_and_mode(world.seen / "setup")[0], mode) == (key, 0o600)


async def test_parent_folders_and_users_are_as_before(world: World) -> None:
    assert modes_above(world.stack.home.path / "x") == world.modes
    assert users() == world.passwd


async def test_postgresql_runs_without_privileges_and_asks_for_the_password(world: World) -> None:
    dsn = world.stack.urls["postgres"]
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        row = await (await connection.execute("SHOW data_checksums")).fetchone()
    assert row == ("on",)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        await psycopg.AsyncConnection.connect(re.sub(r":[^:@/]+@", ":wrong@", dsn))


async def test_a_command_of_the_manifest_runs_with_the_systems_variables(world: World) -> None:
    done = await world.stack.command(world.stack.manifest.probe, 30)
    assert (done.code, done.out.splitlines()[0]) == (0, "An answer [1].")


async def test_a_killed_process_is_restarted_and_counted(world: World) -> None:
    before = next(p for p in world.stack.processes() if p.name == "web")
    assert pids.send(before.pid, before.known, signal.SIGKILL)
    await until_async(lambda: asyncio.sleep(0.05, _restarted(world.stack, "web")), "web runs again")
    after = next(p for p in world.stack.processes() if p.name == "web")
    assert (after.restarts, after.pid != before.pid) == (1, True)
    recorded = read_state(world.stack.home)
    assert recorded is not None
    assert next(p for p in recorded.processes if p.name == "web").restarts == 1

    async def counted() -> bool:
        return bool(await query(world.stack, 'bongsu_process_restarts_total{process="web"} == 1'))

    await until_async(counted, "the restart is counted in Prometheus")


def _restarted(stack: Stack, name: str) -> bool:
    return any(p.name == name and p.restarts == 1 and p.phase == "running" for p in stack.processes())


async def test_a_process_that_breaks_is_named_with_its_log_and_nothing_is_left() -> None:
    with tiny("broken") as (root, manifest, _), fresh_home() as home:
        with pytest.raises(StateError) as caught:
            async with running_stack(manifest, root, home, FENCED, compiled):
                raise AssertionError("it must not get here")
        assert "web ended with exit code 7 before it was ready" in str(caught.value)
        assert "tiny: this is why it broke" in str(caught.value)
        assert pids.members(home.identity) == []


async def test_a_given_database_is_used_and_none_of_our_own_is_started(server: Postgres) -> None:
    url = server.create_database("given")
    with tiny() as (root, manifest, seen), fresh_home() as home:
        environment = {**os.environ, "DATABASE_URL": url}
        async with running_stack(manifest, root, home, StackOptions(), compiled, environment=environment) as stack:
            assert "postgres" not in {process.name for process in stack.processes()}
            assert json.loads(next(seen.glob("env-*.json")).read_text())["DATABASE_URL"] == url
        assert not (home.path / "postgres").exists()


async def test_a_busy_port_is_named_with_who_holds_it_and_what_to_do(tmp_path: Path) -> None:
    base = free_range()
    with socket.socket() as taken, tiny(base=base) as (root, manifest, _):
        taken.bind(("127.0.0.1", base + 90))
        taken.listen()
        with pytest.raises(StateError) as caught:
            async with running_stack(manifest, root, open_home(tmp_path / "h"), StackOptions(), compiled):
                raise AssertionError("it must not get here")
    assert f"port {base + 90} (prometheus) is held by" in caught.value.what
    assert f"(pid {os.getpid()})" in caught.value.what
    assert "--port-base" in caught.value.next


async def test_a_missing_program_is_named_before_anything_starts() -> None:
    with tiny() as (root, manifest, _), fresh_home() as home:
        with pytest.raises(UnreachableError, match="not found on PATH: prometheus, alertmanager or") as caught:
            async with running_stack(manifest, root, home, FENCED, compiled, environment={"PATH": "/nowhere"}):
                raise AssertionError("it must not get here")
        assert "scripts/bootstrap.sh" in caught.value.next
        assert pids.members(home.identity) == []


async def test_a_process_that_ignores_its_signal_is_killed_with_its_children(tmp_path: Path) -> None:
    argv = [sys.executable, tiny_system.__file__, "stubborn", str(free_ports(["one"])["one"]), str(tmp_path)]
    child = await spawn(argv, os.environ, tmp_path, tmp_path / "log", die_with_parent=True)
    written = tmp_path / "grandchild"
    grandchild = int(until(lambda: written.is_file() and written.read_text(), "the grandchild started") or 0)
    known = pids.identity(grandchild)
    assert known is not None
    await terminate(child, signal.SIGTERM, 0.2)
    assert child.process.returncode == -signal.SIGKILL
    assert not pids.is_alive(grandchild, known)


RUNNER = """\
import asyncio, sys
from pathlib import Path
from bongsu.core.manifest import load_manifest
from bongsu.stack.home import read_home
from bongsu.stack.options import StackOptions
from bongsu.stack.run import running_stack
from tests.real.support.tiny_system import compiled

async def main(root, home):
    options = StackOptions(ignore_environment_urls=True)
    async with running_stack(load_manifest(root / "bongsu.yaml"), root, read_home(home), options, compiled) as stack:
        print(stack.urls["postgres"], flush=True)
        await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
"""


@contextmanager
def runner(root: Path, home: Home) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a process that runs a stack, and the address of its database."""
    argv = [sys.executable, "-c", RUNNER, str(root), str(home.path)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()


def remembered(dsn: str) -> list[tuple[str]]:
    """Return the rows of a table, then add one."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS t (v text)")
        rows = connection.execute("SELECT v FROM t").fetchall()
        connection.execute("INSERT INTO t VALUES ('kept')")
    return rows


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
async def test_ctrl_c_and_kill_9_of_a_runner_leave_no_process_and_all_data() -> None:
    with tiny() as (root, _, _), fresh_home() as home:
        for number, rows in ((signal.SIGINT, []), (signal.SIGKILL, [("kept",)])):
            with runner(root, home) as (process, dsn):
                assert remembered(dsn) == rows
                assert len(pids.members(home.identity)) >= 8
                process.send_signal(number)
                process.wait(timeout=60)
                until(lambda: not pids.members(home.identity), f"no process is left after {number.name}")
