"""The trials of bench/ in small, and with the fence removed: then the zombie trial must fall short."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from bench import database_trial, kill_trial, zombie_trial
from tests.real.support.jobs import ForkServer, jobs
from tests.real.support.pg import Postgres, postgres

if TYPE_CHECKING:
    import pytest

KILLS = 6


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


def test_a_killed_database_loses_no_acknowledged_run(forks: ForkServer) -> None:
    with postgres() as own, jobs(own, forks, "database_kills", node_pace_seconds="0.1", log_level="ERROR") as j:
        assert database_trial.trial(own, j, 2, chance()).missed == []
