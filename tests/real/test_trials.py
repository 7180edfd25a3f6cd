"""The trials of bench/ in small, and with the fence removed: then the zombie trial must fall short."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pytest
from research_assistant import keys

from bench import database_trial, kill_trial, rolling_restart, zombie_trial
from tests.real.support.assistant import ROOT, SCRIPT
from tests.real.support.jobs import ForkServer, Jobs, jobs
from tests.real.support.pg import Postgres, postgres

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 6
NEEDED = dict.fromkeys(("CHROMA_URL", "OPENAI_BASE_URL", "SEARCH_URL"), "http://127.0.0.1:9")
"""An API wants to know where these are, and asks none of them."""


@dataclass
class SmallSystem:
    """Real APIs, and workers of the tiny graph: what rolling_restart restarts, without what the real graph needs."""

    env: dict[str, str]
    key: str
    log: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *argv: str) -> None:
        kind, _, port = argv
        worker = [sys.executable, "-m", "tests.real.support.worker", "--port", port]
        command = worker if kind == "worker" else [str(SCRIPT), *argv]
        with self.log.open("ab") as log:
            self.processes[name] = subprocess.Popen(command, env={**os.environ, **self.env}, stderr=log, cwd=ROOT)

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


def chance() -> random.Random:
    return random.Random(1)  # noqa: S311 - repeatable, not a secret


def test_workers_killed_at_random_moments_lose_and_double_nothing(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "random_kills", node_pace_seconds="0.2") as j:
        kills = kill_trial.trial(j, KILLS, chance())
        assert kill_trial.judge(j, KILLS, kills).missed == []
        assert kills.hits >= KILLS


def test_every_zombies_write_is_rejected_and_counted(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "zombies", node_pace_seconds="0.5") as j:
        assert zombie_trial.trial(j, 2).missed == []


def test_without_the_fence_the_zombie_trial_falls_short(
    server: Postgres, forks: ForkServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with jobs(server, forks, "unfenced_zombies", node_pace_seconds="0.5") as j:
        missed = zombie_trial.trial(j, 1, "--unfenced").missed
    assert {"forked checkpoint chains", "writes under an old fence"} <= set(missed)
    assert "FALLS SHORT" in capsys.readouterr().out


def restarted(j: Jobs, log: Path) -> list[str]:
    """Run one round of the trial on two APIs and two workers; return the bars it missed."""
    key = "a-secret-of-more-than-twenty-four-characters"
    j.with_pool(partial(keys.add, name="test", secret=key))
    system = SmallSystem({**NEEDED, "OPENAI_API_KEY": "local", **j.environ}, key, log)
    try:
        return rolling_restart.trial(system, 1, 3).missed
    finally:
        system.stop()


@pytest.mark.long
def test_a_rolling_restart_drops_no_request_and_fails_no_run(
    server: Postgres, forks: ForkServer, tmp_path: Path
) -> None:
    with jobs(server, forks, "rolling", node_pace_seconds="0.3") as j:
        assert restarted(j, tmp_path / "log") == []


@pytest.mark.long
def test_an_api_that_closes_its_port_at_once_drops_requests(
    server: Postgres, forks: ForkServer, tmp_path: Path
) -> None:
    with jobs(server, forks, "rude", node_pace_seconds="0.1", api_drain_seconds="0") as j:
        assert restarted(j, tmp_path / "log") == ["requests"]


def test_a_killed_database_loses_no_acknowledged_run(forks: ForkServer) -> None:
    with postgres() as own, jobs(own, forks, "database_kills", node_pace_seconds="0.1", log_level="ERROR") as j:
        assert database_trial.trial(own, j, 2, chance()).missed == []


FORGETFUL = ("synchronous_commit=off", "wal_writer_delay=10s", "wal_writer_flush_after=1GB")
"""A server that says that it has written what lies only in its memory."""


@pytest.mark.long
def test_a_database_that_acknowledges_what_it_has_not_written_falls_short(
    forks: ForkServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with postgres(*FORGETFUL) as own, jobs(own, forks, "forgetful", node_pace_seconds="0.1", log_level="ERROR") as j:
        j.conn.execute("CHECKPOINT")  # it shall forget runs, and not the schema
        missed = database_trial.trial(own, j, 2, chance()).missed
    assert "done or dead-lettered with a reason" in missed
    assert "done or dead-lettered with a reason" in capsys.readouterr().out
