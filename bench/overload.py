"""Overload the service at 5 times its capacity, which is measured first: python -m bench.overload [--seconds 180]

One machine, real processes: PostgreSQL, Chroma, providers, two API processes, one worker of 8 slots whose nodes take at
least PACE seconds, as those of real providers do (with the stand-ins' speed the processor would be the limit, and the
load generator part of it). Locust sends open loop (bench/support/overload_locust.py); one order in 25 is interactive in
every phase. Goodput are answers a second; the wait of a run is from its submission to its first claim, both by the
database's clock.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from bench.support.figures import Figures
from tests.real.support.assistant import CORPUS, Assistant, answers, running_assistant
from tests.real.support.pg import free_port
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]
LOCUST = Path(sys.executable).parent / "locust"
SCENARIO = ROOT / "bench/support/overload_locust.py"
PACE = 0.2
TIMES = 5
SHARE = 0.04
GOODPUT = 0.95
NOTICED_SECONDS = 0.1
"""A wait in which a run was noticed by its notification: a worker without them looks once a second, idle or not, and a
system that is slow when idle would hide behind the ratio."""
IDLE_RATE = 1.5
LIMIT_PER_MINUTE = 120
BURST_SECONDS = 10.0
QUICK_SECONDS, QUESTIONS = 5.0, 10
QUESTION = "How does a fencing token stop a zombie worker, and how does an idempotency key stop a duplicate run?"


@dataclass(frozen=True, slots=True)
class Phase:
    """What one phase gave: counts of answers by locust, answers a second, waits of interactive runs in seconds."""

    counts: dict[str, int]
    goodput: float
    waits: Sequence[float]

    def refused(self, what: str, status: int) -> int:
        """Return how often an order of a priority got a status."""
        return self.counts.get(f"{what} {status}", 0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the phases and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180.0, help="of the overload (default 180)")
    parser.add_argument("--capacity-seconds", type=float, default=40.0, help="of each phase before it (default 40)")
    options = parser.parse_args(argv)
    figures = Figures()
    with running_assistant(CORPUS / "articles") as assistant:
        _quick(assistant, figures)
        hosts = [assistant.url, _second_api(assistant)]
        _restart_worker(assistant)
        bench = Bench(assistant, hosts)
        idle = bench.phase(IDLE_RATE, options.capacity_seconds, share=1.0)
        peak = max(bench.phase(rate, options.capacity_seconds).goodput for rate in (8.0, 16.0))
        over = bench.phase(TIMES * peak, options.seconds, limited=True)
        _judge(figures, idle, peak, over)
        limited = bench.rows(LIMITED)[0]
        _judge_limit(figures, limited["taken"], limited["seconds"])
    return figures.code()


@dataclass(frozen=True, slots=True)
class Bench:
    """The running service and how it is loaded."""

    assistant: Assistant
    hosts: Sequence[str]

    def phase(self, rate: float, seconds: float, *, share: float = SHARE, limited: bool = False) -> Phase:
        """Send `rate` orders a second for some seconds, and wait for the last answer."""
        result = self.assistant.folder / "locust.json"
        users = max(2, round(rate))
        env = os.environ | {
            "OVERLOAD_RATE": str(rate),
            "OVERLOAD_USERS": str(users),
            "OVERLOAD_INTERACTIVE": str(share),
            "OVERLOAD_KEY": self.assistant.key,
            "OVERLOAD_KEY_LIMITED": _limited_key(self.assistant) if limited else "",
            "OVERLOAD_HOSTS": " ".join(self.hosts),
            "OVERLOAD_RESULT": str(result),
        }
        began = self.rows("SELECT now() AS at")[0]["at"]
        options = ["--headless", "--only-summary", "-u", str(users + limited), "-r", "100", "-t", f"{seconds:g}s"]
        argv = [str(LOCUST), "-f", str(SCENARIO), *options, "--skip-log", "--exit-code-on-error", "0"]
        subprocess.run(argv, env=env, check=True, capture_output=True, cwd=ROOT, timeout=seconds + 120)
        goodput = self._goodput(began, seconds)
        until(lambda: not self.rows(OPEN)[0]["count"], "every run has ended", 120)
        waits = [float(row["wait"]) for row in self.rows(WAITS, (began,))]
        counts: dict[str, int] = json.loads(result.read_text(encoding="utf-8"))
        print(f"  {rate:.1f}/s: {goodput:.2f} answers/s, {len(waits)} interactive, {counts}", flush=True)
        return Phase(counts, goodput, waits)

    def _goodput(self, began: Any, seconds: float) -> float:
        """Return answers a second from a tenth of the phase on, when what was idle at its start works."""
        done = self.rows(DONE, {"began": began, "skip": seconds / 10, "seconds": seconds})
        return float(done[0]["count"]) / (0.9 * seconds)

    def rows(self, query: str, values: Any = ()) -> list[dict[str, Any]]:
        """Return what the database answers."""
        with psycopg.connect(self.assistant.env["DATABASE_URL"], row_factory=dict_row) as conn:
            return conn.execute(query, values).fetchall()


OPEN = "SELECT count(*) FROM runs WHERE state IN ('queued', 'running')"
DONE = """
    SELECT count(*) FROM runs WHERE state = 'done'
        AND finished_at BETWEEN %(began)s + make_interval(secs => %(skip)s)
        AND %(began)s + make_interval(secs => %(seconds)s)
"""
WAITS = """
    SELECT extract(epoch FROM min(e.at) - r.submitted_at) AS wait
    FROM runs r JOIN run_events e ON e.run_id = r.id AND e.event = 'claimed'
    WHERE r.priority = 'interactive' AND r.submitted_at >= %s GROUP BY r.id ORDER BY 1
"""
LIMITED = """
    SELECT count(*) AS taken, coalesce(extract(epoch FROM max(started_at) - min(started_at)), 0)::float8 AS seconds
    FROM sessions WHERE tenant = 'limited'
"""


def _quick(assistant: Assistant, figures: Figures) -> None:
    """Measure from question to cited answer on the stand-ins, without pace and load."""
    took = []
    for _ in range(QUESTIONS):
        began = time.perf_counter()
        run = assistant.ask(QUESTION)
        took.append(time.perf_counter() - began)
        if run["state"] != "done" or not run["citations"]:
            figures.bar("question to cited answer", str(run["error"]), "an answer", good=False)
            return
    said = f"p50 {sorted(took)[len(took) // 2]:.2f} s, max {max(took):.2f} s of {len(took)}"
    figures.bar("question to cited answer", said, f"at most {QUICK_SECONDS:g} s", good=max(took) <= QUICK_SECONDS)


def _second_api(assistant: Assistant) -> str:
    port = free_port()
    assistant.start("api-2", "api", "--port", str(port))
    url = f"http://127.0.0.1:{port}"
    until(lambda: answers(f"{url}/readyz"), "the second API is ready")
    return url


def _restart_worker(assistant: Assistant) -> None:
    """Start the worker again with a pace."""
    worker = assistant.processes.pop("worker")
    worker.terminate()
    worker.wait(timeout=60)
    port = free_port()
    pace = {"RESEARCH_ASSISTANT_NODE_PACE_SECONDS": str(PACE)}
    assistant.start("worker", "worker", "--metrics-port", str(port), **pace)
    until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "the worker is ready")


def _limited_key(assistant: Assistant) -> str:
    """Add a key of a tenant that may ask LIMIT_PER_MINUTE times a minute; return it."""
    file = assistant.folder / "limited-key"
    file.write_text(secrets.token_urlsafe(32), encoding="utf-8")
    assistant.call("keys", "add", "limited", "--key-file", str(file))
    with psycopg.connect(assistant.env["DATABASE_URL"], autocommit=True) as conn:
        query = "INSERT INTO tenants (name, requests_per_minute) VALUES ('limited', %s) ON CONFLICT DO NOTHING"
        conn.execute(query, (LIMIT_PER_MINUTE,))
    return file.read_text(encoding="utf-8")


def _judge(figures: Figures, idle: Phase, peak: float, over: Phase) -> None:
    figures.note("peak goodput", f"{peak:.2f} answers/s")
    share = over.goodput / peak
    figures.bar(f"goodput at {TIMES} times that", f"{share:.0%} of peak", "at least 95 %", good=share >= GOODPUT)
    before, then = _p95(idle.waits), _p95(over.waits)
    middles = " and ".join(f"{statistics.median(phase.waits) * 1000:.0f}" for phase in (over, idle))
    said = f"{then * 1000:.0f} ms, {then / before:.2f} times the idle {before * 1000:.0f} ms (medians {middles} ms)"
    figures.bar("interactive p95 queue wait", said, "at most 2 times", good=then <= 2 * before)
    said = f"{before * 1000:.0f} ms"
    bar = f"at most {NOTICED_SECONDS * 1000:.0f} ms"
    figures.bar("interactive p95 queue wait, idle", said, bar, good=before <= NOTICED_SECONDS)
    shed, kept = over.refused("batch", 503), over.refused("interactive", 503)
    figures.bar("batch shed / interactive shed", f"{shed} / {kept}", "batch alone", good=shed > 0 and kept == 0)
    without = sum(count for name, count in over.counts.items() if "without" in name)
    figures.bar("refusals without Retry-After", str(without), "none", good=without == 0)
    odd = {n: c for n, c in over.counts.items() if n.split()[-1] not in {"201", "202", "429", "503", "Retry-After"}}
    figures.bar("other answers", str(odd or "none"), "none", good=not odd)


def _judge_limit(figures: Figures, taken: int, seconds: float) -> None:
    """Judge the tenant that asked too often, of two processes: by what was stored, on the database's clock."""
    allowed = LIMIT_PER_MINUTE / 60 * (BURST_SECONDS + seconds)
    over = taken - allowed
    said = f"{taken} requests, {over:+.2f} of the {allowed:.1f} allowed in {seconds:.0f} s"
    figures.bar("per-tenant limit over two processes", said, "within 1", good=abs(over) <= 1)


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


if __name__ == "__main__":
    sys.exit(main())
