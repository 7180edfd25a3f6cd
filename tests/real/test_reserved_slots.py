"""Half of a worker's slots is kept from batch runs: an interactive run never waits for one of them to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.real.support.jobs import jobs
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from tests.real.support.jobs import ForkServer, Jobs
    from tests.real.support.pg import Postgres

SLOTS, RESERVED = 4, 2
RUNNING = "SELECT count(*) FROM runs WHERE state = 'running' AND priority = %s"


def running(j: Jobs, priority: str) -> int:
    return int(j.one(RUNNING, priority))


def test_batch_runs_leave_slots_free_and_interactive_ones_take_them_at_once(
    server: Postgres, forks: ForkServer
) -> None:
    with jobs(server, forks, "reserved", node_pace_seconds="30", concurrency=str(SLOTS), lease_seconds="10") as j:
        j.submit(*["batch question"] * 10, priority="batch")
        j.spawn()
        until(lambda: running(j, "batch") == SLOTS - RESERVED, "batch runs have taken what they may")
        j.submit(*["a person's question"] * 3)
        until(lambda: running(j, "interactive") == RESERVED, "interactive runs take what is free", 5)
        assert running(j, "batch") == SLOTS - RESERVED
