"""A repository on a disk that lies: every mutation is found and named, and nothing wrong is ever restored in silence.

`MUTATIONS=60 CLEAN_RUNS=10` (scripts/proof.sh) spoils as many copies and restores from each; `make test` does a few.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from bongsu.core.errors import BongsuError
from bongsu.recovery.catalogue import read_catalogue
from bongsu.recovery.expire import expire
from bongsu.recovery.verify import verify
from tests.real.support.backed_up import BackedUp, backed_up, rows
from tests.real.support.mutations import KINDS, mutate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.recovery.verify import Report

pytestmark = pytest.mark.timeout(3600)
MUTATIONS = int(os.environ.get("MUTATIONS", "5"))
RESTORED = int(os.environ.get("RESTORED", "1" if MUTATIONS <= 10 else str(MUTATIONS)))
CLEAN_RUNS = int(os.environ.get("CLEAN_RUNS", "2"))
SEED = int(os.environ.get("SEED", "20261127"))
VERIFIED_NOTE = "sealed/verified"


@dataclass(frozen=True, slots=True)
class World:
    """A system that was backed up and lies still, the rows it had, and what clean verifications said before."""

    kept: BackedUp
    folder: Path
    rows: list[int]
    clean: list[Report]
    instant: float
    rows_then: int
    path: tuple[str, list[str]]

    def copied(self, name: str) -> Path:
        """Return a fresh copy of repository b."""
        return Path(shutil.copytree(self.kept.repository("b"), self.folder / name))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with backed_up(folder) as kept:
        clean = []
        for number in range(max(CLEAN_RUNS, 1)):
            kept.write(20)
            if number == 0:  # one that may go and a chain of two that stays
                assert kept.backup("run", "--kind", "full").returncode == 0
                assert kept.backup("run", "--kind", "incremental").returncode == 0
            clean.append(asyncio.run(verify(kept.open(kept.repository("b")), time.time())))
        instant, rows_then = kept.now(), kept.written
        kept.write(30)
        kept.shipped()
        with psycopg.connect(kept.server.url) as connection:
            path = connection.execute("SELECT current_user, current_schemas(false)").fetchone()
        assert path is not None
        kept.quiet()
        yield World(kept, folder, list(range(1, kept.written + 1)), clean, instant, rows_then, path)


def test_verification_finds_nothing_while_the_log_is_being_shipped(world: World) -> None:
    assert [report.findings for report in world.clean] == [[]] * max(CLEAN_RUNS, 1)
    assert all(report.backups >= 2 and report.bytes for report in world.clean)
    print(f"clean runs: {len(world.clean)} under writes, 0 false alarms")


def test_every_mutation_of_a_file_is_found_and_named(world: World) -> None:
    chance = random.Random(SEED)  # noqa: S311 - no secret
    silent: list[str] = []
    refused = 0
    for number in range(MUTATIONS):
        kind = KINDS[number % len(KINDS)]
        spoiled = world.copied(f"spoiled-{number}")
        files = [file for file in sorted(spoiled.rglob("*")) if file.is_file() and _matters(file, spoiled)]
        file, other = chance.sample(files, 2)
        changed = [one.relative_to(spoiled).as_posix() for one in mutate(kind, file, other, chance)]
        found = _findings(world.kept, spoiled)
        unnamed = [name for name in changed if name not in found]
        if unnamed:
            silent.append(f"{kind} of {unnamed}: {found or 'nothing found'}")
        if number < RESTORED:
            refused += _restores_truly_or_not_at_all(world, spoiled, f"{kind} of {changed}")
        print(f"{number + 1}/{MUTATIONS} {kind} {', '.join(changed)}: {'SILENT' if unnamed else 'named'}")
        shutil.rmtree(spoiled)
    print(f"mutations: {MUTATIONS} (seed {SEED}), {len(silent)} not named; {RESTORED} restored from, {refused} refused")
    assert silent == []


def test_a_restore_from_the_untouched_copy_has_every_row(world: World) -> None:
    into = world.folder / "whole"
    done = world.kept.restore(into, at=world.copied("untouched"))
    assert done.returncode == 0, done.stderr
    assert rows(into, world.kept.server.password) == world.rows


@pytest.mark.long
def test_a_shortened_file_is_named_at_once_although_restic_would_try_for_a_quarter_of_an_hour(world: World) -> None:
    path = world.copied("shortened")
    pack = max((path / "restic/data").rglob("*"), key=lambda file: file.stat().st_size if file.is_file() else 0)
    os.truncate(pack, 100)
    done = world.kept.restore(world.folder / "from-shortened", at=path)
    assert done.returncode == 1
    assert f"cannot read Load(<data/{pack.name[:10]}>" in done.stderr, done.stderr


def test_a_restore_to_an_instant_has_what_was_committed_by_then_and_nothing_later(world: World) -> None:
    into = world.folder / "instant"
    to = datetime.fromtimestamp(world.instant, UTC).isoformat()
    done = world.kept.restore(into, at=world.copied("for-an-instant"), to=to)
    assert done.returncode == 0, done.stderr
    assert rows(into, world.kept.server.password) == world.rows[: world.rows_then]


def test_a_machine_without_a_home_verifies_with_the_repository_and_its_key_alone(world: World) -> None:
    source = world.copied("carried-away")
    done = world.kept.bongsu("backup", "verify", "--from", str(source), "--key-file", str(world.kept.key("b")))
    assert done.returncode == 0, done.stderr
    assert "all as it was written" in done.stdout


def test_what_is_older_than_it_is_kept_goes_and_the_newest_chain_stays_restorable(world: World) -> None:
    path = world.copied("old")
    repository = world.kept.open(path)
    backups = read_catalogue(repository.vault).backups
    gone = asyncio.run(expire(repository, keep=0.0, now=time.time()))
    chain = [backups[-1].id, backups[-1].database.parent if backups[-1].database else ""]
    assert {backup.id for backup in gone} == {backup.id for backup in backups} - set(chain)
    assert asyncio.run(expire(repository, keep=0.0, now=time.time())) == []
    assert _findings(world.kept, path) == ""
    into = world.folder / "kept"
    assert world.kept.restore(into, at=path).returncode == 0
    assert rows(into, world.kept.server.password) == world.rows


def test_a_wrong_key_is_told_from_a_damaged_file(world: World) -> None:
    source = world.copied("another-key")
    done = world.kept.bongsu(
        "restore", "--to", "latest", "--from", str(source), "--key-file", str(world.kept.key("a")), "--into",
        str(world.folder / "never"),
    )  # fmt: skip
    assert (done.returncode, "the key does not open this repository" in done.stderr) == (1, True)
    (source / "sealed" / "key-check").write_bytes(b"damaged")
    assert "key-check" in _findings(world.kept, source)


def _matters(file: Path, repository: Path) -> bool:
    """Tell whether the file carries anything; the note of the last verification is rewritten by each one."""
    name = file.relative_to(repository).as_posix()
    return file.stat().st_size > 0 and name != VERIFIED_NOTE and not name.startswith("restic/locks/")


def _findings(kept: BackedUp, path: Path) -> str:
    """Return everything that opening and verifying say, as text."""
    try:
        return "\n".join(map(str, asyncio.run(verify(kept.open(path), time.time())).findings))
    except BongsuError as error:
        return str(error)


def _restores_truly_or_not_at_all(world: World, path: Path, what: str) -> bool:
    """Restore from a spoiled repository; return whether it was refused, fail when it was wrong and silent."""
    into = world.folder / "attempt"
    done = world.kept.restore(into, at=path)
    try:
        if done.returncode != 0:
            assert "Traceback" not in done.stderr, done.stderr
            return True
        assert rows(into, world.kept.server.password) == world.rows, f"a silent wrong restore after {what}"
        return False
    finally:
        shutil.rmtree(into, ignore_errors=True)


def test_the_keeper_shadows_no_table_of_a_user_who_is_named_as_the_product(world: World) -> None:
    assert world.path == ("bongsu", ["public"])
