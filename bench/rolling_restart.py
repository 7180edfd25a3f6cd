"""Restart every API and worker, one after the other, under load: run `python -m bench.rolling_restart [--rounds 3]`.

Two APIs and two workers of the real graph. Clients submit and poll all the time through what a balancer does: it asks
/readyz of each API, sends to a ready one, and a 503 with Retry-After sends it back later. Each process gets SIGTERM,
must end with code 0 and is started again on its port.
Bars: no failed run, no request that was dropped or refused otherwise, no finished node run again.
"""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from bench.support.figures import Figures
from bench.support.violence import QUESTION, judge_ledger
from tests.real.support.assistant import CORPUS, answers, running_assistant
from tests.real.support.ledger import Ledger
from tests.real.support.pg import free_port
from tests.real.support.waiting import until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

ROUNDS, CLIENTS, PACE = 1, 4, "0.3"
PROBE_SECONDS, PAUSE_SECONDS, RUN_SECONDS = 0.2, 0.1, 60.0


@dataclass(slots=True)
class Balancer:
    """Sends requests to ready APIs, as NGINX or a Kubernetes Service does, and counts how each one went."""

    key: str
    ports: list[int]
    ready: dict[int, bool] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    stopping: threading.Event = field(default_factory=threading.Event)
    _turn: int = 0

    def keep_probing(self) -> None:
        """Ask each API whether it is ready, until told to stop."""
        while not self.stopping.is_set():
            for port in self.ports:
                self.ready[port] = answers(f"http://127.0.0.1:{port}/readyz")
            self.stopping.wait(PROBE_SECONDS)

    def call(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        """Return the JSON of an answered request; one that is told to come back does so."""
        while True:
            port = self._next()
            try:
                status, retry_after, content = self._send(port, method, path, body)
            except (OSError, http.client.HTTPException) as error:
                self.outcomes[f"dropped ({type(error).__name__})"] += 1
                continue
            if status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after:
                self.outcomes["told to come back"] += 1
                self.ready[port] = False
                continue
            self.outcomes["answered" if status < HTTPStatus.BAD_REQUEST else f"refused with {status}"] += 1
            return content

    def _next(self) -> int:
        while not (up := [port for port in self.ports if self.ready.get(port)]):
            time.sleep(PROBE_SECONDS / 4)
        self._turn += 1
        return up[self._turn % len(up)]

    def _send(self, port: int, method: str, path: str, body: bytes | None) -> tuple[int, str | None, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {self.key}"})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Retry-After"), json.loads(answer.read())
        finally:
            connection.close()


class System(Protocol):
    """What the trial needs of a research assistant; tests give a smaller one."""

    env: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]]

    @property
    def key(self) -> str:
        """Return the key of its API."""

    def start(self, name: str, *argv: str) -> object:
        """Start a verb that serves."""


@dataclass(slots=True)
class Fleet:
    """The processes that are restarted, by name: their arguments, their port and the path that says they are up."""

    system: System
    members: dict[str, tuple[list[str], int, str]] = field(default_factory=dict)

    def add(self, kind: str, number: int) -> int:
        """Start one more API or worker; return its port."""
        port, option, up = free_port(), *(("--port", "readyz") if kind == "api" else ("--metrics-port", "healthz"))
        self.members[f"{kind}-{number}"] = [kind, option, str(port)], port, up
        self._start(f"{kind}-{number}")
        return port

    def wait_up(self, *names: str) -> None:
        """Wait until processes (default: all) are up."""
        for name in names or self.members:
            _, port, up = self.members[name]
            until(lambda port=port, up=up: answers(f"http://127.0.0.1:{port}/{up}"), f"{name} is up")  # type: ignore[misc]

    def _start(self, name: str) -> None:
        self.system.start(name, *self.members[name][0])

    def restart(self, name: str) -> int:
        """Tell a process to stop, start it again; return the exit code of the first one."""
        process = self.system.processes[name]
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
        self._start(name)
        self.wait_up(name)
        return code


def ask_all_the_time(balancer: Balancer) -> list[str]:
    """Submit a question, poll until it is final, and again, until told to stop; return the ids of the runs."""
    runs = []
    while not balancer.stopping.is_set():
        body = json.dumps({"question": QUESTION}).encode()
        run = balancer.call("POST", "/v1/runs", body)
        runs.append(run["id"])
        deadline = time.monotonic() + RUN_SECONDS
        while run["state"] in {"queued", "running"} and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)
            run = balancer.call("GET", f"/v1/runs/{run['id']}")
    return runs


def trial(system: System, rounds: int, clients: int) -> Figures:
    """Restart everything `rounds` times under load and print the figures."""
    fleet = Fleet(system)
    balancer = Balancer(system.key, [fleet.add("api", number) for number in range(2)])
    for number in range(2):
        fleet.add("worker", number)
    fleet.wait_up()
    with ThreadPoolExecutor(clients + 1) as threads:
        threads.submit(balancer.keep_probing)
        asking = [threads.submit(ask_all_the_time, balancer) for _ in range(clients)]
        try:
            until(lambda: balancer.outcomes["answered"] > clients, "there is load")
            codes = [fleet.restart(name) for _ in range(rounds) for name in fleet.members]
        finally:
            balancer.stopping.set()
        runs = [run for each in asking for run in each.result()]
    with closing(Ledger(system.env["DATABASE_URL"])) as ledger:
        return judge(ledger, balancer.outcomes, codes, runs)


def judge(ledger: Ledger, outcomes: Counter[str], codes: list[int], runs: list[str]) -> Figures:
    """Print the figures of a trial."""
    open_runs = "SELECT count(*) FROM runs WHERE state IN ('queued', 'running')"
    until(lambda: ledger.one(open_runs) == 0, "all runs are final")
    figures = Figures()
    ended = sum(1 for code in codes if code == 0)
    figures.bar(
        "processes that stopped with code 0", f"{ended}", f"{len(codes)} of {len(codes)}", good=ended == len(codes)
    )
    wrong = {what: n for what, n in outcomes.items() if what not in {"answered", "told to come back"}}
    said = f"{outcomes['answered']} answered, {outcomes['told to come back']} told to come back"
    figures.bar("requests", f"{said}, {sum(wrong.values())} lost", f"0 lost {wrong or ''}".rstrip(), good=not wrong)
    known = ledger.one("SELECT count(*) FROM runs WHERE id = ANY(%s::uuid[])", runs)
    figures.bar("acknowledged runs that exist", f"{known}", f"{len(runs)} of {len(runs)}", good=known == len(runs))
    released = ledger.one("SELECT count(*) FROM run_events WHERE event = 'released'")
    figures.note("runs handed over in the middle", f"{released}")
    judge_ledger(figures, ledger)
    return figures


def run(argv: Sequence[str] = ()) -> int:
    """Run the trial and print its verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    args = parser.parse_args(argv)
    with running_assistant(CORPUS / "articles", RESEARCH_ASSISTANT_NODE_PACE_SECONDS=PACE) as system:
        return trial(system, args.rounds, args.clients).code()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
