"""Kill -9 a random worker at a random moment, again and again: run `python -m bench.kill_trial [--kills 200]`.

Four workers of the real graph (two runs each at once), ten open runs, two victims at most not yet taken over. A kill
counts when the worker held a running run; kills go on until every kind of node was hit a tenth of them, so that 200
kills hit each kind 20 times. Then all runs end.
Bars: nothing lost, doubled, run again or forked; 99 % of the runs are claimed again within one lease + 5 s of the kill.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.support.figures import Figures
from bench.support.violence import judge_ledger, keep_busy, percentile, real_system
from bongsu.core.conventions import NODES
from tests.real.support.jobs import LEASE_SECONDS
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.real.support.jobs import Jobs

KILLS, WORKERS, OPEN_RUNS, PACE, SEED = 40, 4, 10, "0.3", 5
LONGEST_WAIT, MOST_WAITING = 1.0, 2
DEADLINE = "600"  # a run that is hit again and again: it is not the deadline that is on trial
SPARE_SECONDS = 5.0
HELD = """
    SELECT r.id, r.fence, clock_timestamp() AS at, array_agg(s.node) AS nodes FROM runs r
    JOIN run_events s ON s.run_id = r.id AND s.fence = r.fence AND s.event = 'started' AND s.pid = %s
    WHERE r.state = 'running' AND NOT EXISTS (
        SELECT FROM run_events f WHERE f.run_id = r.id AND f.task_id = s.task_id AND f.event = 'finished')
    GROUP BY r.id
"""
BUSY = """
    SELECT DISTINCT s.pid FROM runs r
    JOIN run_events s ON s.run_id = r.id AND s.fence = r.fence AND s.event = 'started' AND s.pid = ANY(%s)
    WHERE r.state = 'running' ORDER BY s.pid
"""
WAITED = "SELECT extract(epoch FROM min(at) - %s)::float8 FROM run_events WHERE run_id = %s AND fence > %s"


@dataclass(slots=True)
class Kills:
    """What the kills hit."""

    hits: int = 0
    misses: int = 0
    nodes: Counter[str] = field(default_factory=Counter)
    victims: list[dict[str, Any]] = field(default_factory=list)

    def enough(self, wanted: int) -> bool:
        """Tell whether `wanted` kills hit, and each kind of node a tenth of them."""
        return self.hits >= wanted and all(self.nodes[node] >= wanted // 10 for node in NODES)


def trial(j: Jobs, wanted: int, chance: random.Random) -> Kills:
    """Kill until it is enough (or three times as often as wanted), let all runs end."""
    kills = Kills()
    while not kills.enough(wanted) and kills.hits + kills.misses < 3 * wanted:
        until(lambda: waiting(j, kills) <= MOST_WAITING, "runs of killed workers are claimed again")
        pid = someone_busy(j, chance)
        j.kill(pid)
        victims = j.rows(HELD, pid)
        kills.hits, kills.misses = kills.hits + bool(victims), kills.misses + (not victims)
        kills.victims += victims
        kills.nodes.update(node for victim in victims for node in set(victim["nodes"]))
    keep_busy(j, WORKERS, 0)
    j.wait_final(*[row["id"] for row in j.rows("SELECT id FROM runs")])
    return kills


def waiting(j: Jobs, kills: Kills) -> int:
    """Return how many victims nobody has claimed since: a fleet that dies faster than it starts shows nothing."""
    keep_busy(j, WORKERS, OPEN_RUNS)
    return sum(1 for v in kills.victims[-2 * WORKERS :] if j.one(WAITED, v["at"], v["id"], v["fence"]) is None)


def someone_busy(j: Jobs, chance: random.Random) -> int:
    """Return, at a random moment, the pid of a random worker that runs a node."""
    moment = time.monotonic() + chance.uniform(0, LONGEST_WAIT)
    while not (busy := [row["pid"] for row in j.rows(BUSY, list(j.workers))]) or time.monotonic() < moment:
        keep_busy(j, WORKERS, OPEN_RUNS)
        time.sleep(0.02)
    return chance.choice(busy)


def judge(j: Jobs, wanted: int, kills: Kills) -> Figures:
    """Print the figures of a trial."""
    figures = Figures()
    hit = ", ".join(f"{node} {kills.nodes[node]}" for node in NODES)
    figures.bar("kills that hit a running run", f"{kills.hits}", f"at least {wanted}", good=kills.hits >= wanted)
    figures.bar("nodes hit", hit, f"at least {wanted // 10} each", good=kills.enough(wanted))
    figures.note("kills between two nodes, not counted", f"{kills.misses}")
    judge_ledger(figures, j)
    waits = [j.one(WAITED, v["at"], v["id"], v["fence"]) for v in kills.victims]
    bar, p99 = LEASE_SECONDS + SPARE_SECONDS, percentile(waits, 0.99)
    said = f"p50 {percentile(waits, 0.5):.2f} s, p99 {p99:.2f} s, max {max(waits):.2f} s"
    figures.bar("kill to claim by another worker", said, f"p99 at most {bar:g} s", good=p99 <= bar)
    return figures


def run(argv: Sequence[str] = ()) -> int:
    """Run the trial and print its verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args(argv)
    with real_system("kill_trial", node_pace_seconds=PACE, run_deadline_seconds=DEADLINE) as (_, j):
        kills = trial(j, args.kills, random.Random(args.seed))  # noqa: S311 - a repeatable trial, not a secret
        return judge(j, args.kills, kills).code()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
