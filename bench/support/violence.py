"""What the trials of workers share: a system under load that is hurt, and the questions asked of its ledger."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.real.support.jobs import ForkServer, Jobs, jobs
from tests.real.support.pg import Postgres, postgres
from tests.real.support.services import ingest, services
from tests.real.support.worker import REAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.support.figures import Figures
    from tests.real.support.ledger import Ledger

QUESTION = "What is an error budget, and how does a fencing token stop a zombie worker?"


@contextmanager
def real_system(name: str, **settings: str) -> Iterator[tuple[Postgres, Jobs]]:
    """Yield a throwaway PostgreSQL and the real graph's jobs on it, with Chroma, LLM and search stand-ins."""
    forks, settings = ForkServer(), {"log_level": "ERROR", **settings}
    try:
        with (
            postgres() as server,
            services() as variables,
            jobs(server, forks, name, graph=REAL, services=variables, **settings) as j,
        ):
            ingest(j.environ)
            yield server, j
    finally:
        forks.close()


def keep_busy(j: Jobs, workers: int, open_runs: int) -> None:
    """Keep so many workers alive and so many runs open; a worker that ended by itself ends the trial."""
    ended = {pid: code for pid, worker in j.workers.items() if (code := worker.exit_code()) is not None}
    if ended:
        raise RuntimeError(f"workers ended by themselves, exit codes by pid: {ended}")
    missing = open_runs - j.one("SELECT count(*) FROM runs WHERE state IN ('queued', 'running')")
    if missing > 0:
        j.submit(*[QUESTION] * missing)
    while len(j.workers) < workers:
        j.spawn()


def judge_ledger(figures: Figures, ledger: Ledger) -> None:
    """Print what no violence may cause: lost and doubled runs, nodes run again, forks, writes of stale workers."""
    total = ledger.one("SELECT count(*) FROM runs")
    for what, found in (
        ("runs not done", ledger.not_done()),
        ("runs that ended not exactly once", ledger.final_twice()),
        ("finished nodes run again", ledger.rerun_nodes()),
        ("forked checkpoint chains", ledger.forked_chains()),
        ("ledgers with a gap", ledger.incomplete_ledgers()),
        ("writes under an old fence", ledger.stale_writes()),
    ):
        figures.bar(what, f"{len(found)} of {total} runs", "0", good=not found)


def percentile(values: list[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
