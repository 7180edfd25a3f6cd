"""Stop a worker past its lease, let it go on, again and again: run `python -m bench.zombie_trial [--stops 20]`.

Each round a worker of the real graph is stopped (SIGSTOP) in the middle of a node, of each kind in turn. Another worker
takes the run over and finishes it; then the first one goes on (SIGCONT) and tries to write.
Bars: each round the zombie's write is rejected and counted, and the ledger holds no row of it after the takeover.
"""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING

from bench.support.figures import Figures
from bench.support.violence import QUESTION, judge_ledger, real_system
from bongsu.core.conventions import FENCED_WRITES, LEASES_LOST, NODES
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.real.support.jobs import Jobs

STOPS, PACE = 8, "0.5"


def one_stop(j: Jobs, node: str, *flags: str) -> float:
    """Make one zombie in a kind of node; return how many of its writes it counted as rejected."""
    zombie = j.spawn(*flags)
    (run_id,) = j.submit(QUESTION)
    until(lambda: j.started(node, run_id), f"a {node} runs")
    zombie.signal(signal.SIGSTOP)
    successor = j.spawn(*flags)
    j.wait_final(run_id)
    if not j.run(run_id)["worker"].endswith(f"-{successor.pid}"):
        raise RuntimeError("the zombie had ended its run before it was stopped: make its nodes slower")
    zombie.signal(signal.SIGCONT)
    until(lambda: zombie.metric(LEASES_LOST.name) + bool(flags), "the zombie notices")
    if flags:  # nothing rejects it: it runs to its end, where the result's own fence stops it
        until(lambda: zombie.metric(FENCED_WRITES.name), "the zombie comes to its end")
    rejected = zombie.metric(FENCED_WRITES.name)
    for worker in (zombie, successor):
        j.kill(worker.pid)
    return rejected


def trial(j: Jobs, stops: int, *flags: str) -> Figures:
    """Make `stops` zombies and print the figures."""
    rejected = [one_stop(j, NODES[number % len(NODES)], *flags) for number in range(stops)]
    figures = Figures()
    noticed = sum(1 for count in rejected if count)
    figures.bar(
        "zombies whose write was rejected and counted", f"{noticed}", f"{stops} of {stops}", good=noticed == stops
    )
    figures.note("writes rejected", f"{sum(rejected):g}")
    judge_ledger(figures, j)
    return figures


def run(argv: Sequence[str] = ()) -> int:
    """Run the trial and print its verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stops", type=int, default=STOPS)
    args = parser.parse_args(argv)
    with real_system("zombie_trial", node_pace_seconds=PACE) as (_, j):
        return trial(j, args.stops).code()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
