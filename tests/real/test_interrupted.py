"""Ctrl-C and kill -9 at random moments: no backup is lost, no restore leaves a home that looks whole and is not.

`INTERRUPTS=20` (scripts/proof.sh) does so many of each; `make test` a few.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.real.support.backed_up import REPOSITORIES, BackedUp, backed_up, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(3600)
INTERRUPTS = int(os.environ.get("INTERRUPTS", "1"))
SEED = int(os.environ.get("SEED", "20261127"))
SIGNALS = (signal.SIGKILL, signal.SIGINT)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUp]:
    with backed_up(tmp_path_factory.mktemp("interrupted")) as world:
        yield world


def test_an_interrupted_backup_costs_no_backup_and_is_never_listed(kept: BackedUp) -> None:
    chance = random.Random(SEED)  # noqa: S311 - no secret
    whole = _seconds(kept, "backup", "--home", str(kept.home.path), "run", "--kind", "incremental")
    number = interrupted = 0
    while interrupted < INTERRUPTS:  # one that had ended before its signal came interrupted nothing
        before = _ids(kept)
        kept.write(5)
        kind = ("full", "incremental")[number % 2]
        argv = kept.argv("backup", "--home", str(kept.home.path), "run", "--kind", kind)
        interrupted += _interrupt(argv, chance.uniform(0.0, whole), SIGNALS[number // 2 % 2])
        after = _ids(kept)
        assert all(before[name] <= after[name] for name in REPOSITORIES), "a backup is gone"
        verified = kept.backup("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        number += 1
    taken = kept.backup("run", "--kind", "incremental")
    assert taken.returncode == 0, taken.stdout + taken.stderr
    assert not list((kept.home.spool / "work").glob("backup-*"))
    print(f"backups: {interrupted} interrupted at work, none lost, all verified")


def test_an_interrupted_restore_leaves_what_was_there_or_all_of_the_new(kept: BackedUp, tmp_path: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311 - no secret
    password = kept.server.password
    kept.shipped()
    old = list(range(1, kept.written + 1))
    home = tmp_path / "home"
    whole = _seconds(kept, *_restore(kept, home))
    assert rows(home, password) == old
    kept.write(40)
    kept.shipped()
    new = list(range(1, kept.written + 1))
    done = number = interrupted = 0
    while interrupted < INTERRUPTS:  # one that had ended before its signal came interrupted nothing
        fresh = tmp_path / f"fresh-{number}"
        into = (home, fresh)[number % 2]
        at_work = _interrupt(kept.argv(*_restore(kept, into)), chance.uniform(0.0, whole), SIGNALS[number // 2 % 2])
        interrupted += at_work
        if into is home:
            found = rows(home, password)
            assert found in (old, new), f"{len(found)} rows: neither what was there nor what was to come"
            done += at_work and found == new
        elif (fresh / "data").exists():
            assert rows(fresh, password) == new
            done += at_work
        whole = _seconds(kept, *_restore(kept, into))
        assert rows(into, password) == new
        assert not list((into / "generations").glob("restoring-*"))
        old = new
        number += 1
    print(f"restores: {interrupted} interrupted at work ({done} had changed over), each old or new, never between")


def _restore(kept: BackedUp, into: Path) -> tuple[str, ...]:
    source = ("--from", str(kept.repository("b")), "--key-file", str(kept.key("b")))
    return ("restore", "--to", "latest", *source, "--into", str(into))


def _ids(kept: BackedUp) -> dict[str, set[str]]:
    return {name: {backup["id"] for backup in backups} for name, backups in kept.listed().items()}


def _seconds(kept: BackedUp, *arguments: str) -> float:
    """Return how long a verb takes when nobody interrupts it."""
    began = time.monotonic()
    done = kept.bongsu(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.monotonic() - began


def _interrupt(argv: list[str], after: float, number: signal.Signals) -> bool:
    """Start a verb, send it a signal after so many seconds, and return whether it was still at work then."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
        process.wait(60)
        return True
    return False
