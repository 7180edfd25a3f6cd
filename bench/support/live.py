"""A small live world for benches: counters that fail when told, a real Prometheus and Alertmanager, a receiver."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from bongsu.slo.compile import compile_slo
from bongsu.slo.load import load
from bongsu.slo.rules import Alerting, Group, Links, rule_file
from bongsu.stack.binaries import find_programs, search_path
from bongsu.stack.ports import HOST, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bongsu.slo.model import Slo, Tier

METRIC = "demo_events_total"
_SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: works
  annotations: {{bongsu/alert: Works{name}Burn, bongsu/title-ko: 작동}}
spec:
  service: demo-{name}
  budgetingMethod: Occurrences
  timeWindow: [{{duration: 30d, isRolling: true}}]
  objectives: [{{target: {objective}}}]
  indicator:
    spec:
      ratioMetric:
        counter: true
        bad: {{metricSource: {{type: Prometheus, spec: {{query: '{bad}'}}}}}}
        total: {{metricSource: {{type: Prometheus, spec: {{query: '{total}'}}}}}}
"""
_READY_SECONDS = 120.0


@dataclass(slots=True)
class Counters:
    """Events of named systems: `rate` per second each, all good until `fails_at`, all bad until `heals_at`."""

    rate: float
    fails_at: dict[str, float]
    heals_at: dict[str, float]
    began: float = field(default_factory=time.time)

    def page(self) -> str:
        """Return the exposition text of now: counters are functions of time, so that no scrape can be early or late."""
        now, lines = time.time(), [f"# TYPE {METRIC} counter"]
        for name, fails in self.fails_at.items():
            bad = max(0.0, min(now, self.heals_at[name]) - fails) * self.rate
            good = (now - self.began) * self.rate - bad
            lines += [f'{METRIC}{{system="{name}",outcome="{o}"}} {v!r}' for o, v in (("good", good), ("bad", bad))]
        return "\n".join(lines) + "\n"


@dataclass(slots=True)
class Notice:
    """One webhook call: when it arrived, seconds since 1970, on which path, and its JSON."""

    at: float
    path: str
    body: dict[str, Any]


class Server(ThreadingHTTPServer):
    """Serves the counters at /metrics and keeps whatever is posted to it."""

    daemon_threads = True

    def __init__(self, counters: Counters) -> None:
        super().__init__((HOST, 0), _Handler)
        self.counters = counters
        self.notices: list[Notice] = []
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._answer(200, self.server.counters.page().encode())

    def do_POST(self) -> None:
        at = time.time()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self.server.notices.append(Notice(at, self.path, json.loads(body or b"{}")))
        self._answer(202, b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@dataclass(frozen=True, slots=True)
class World:
    """Where the parts answer, and the notices that came so far."""

    prometheus: str
    alertmanager: str
    server: Server

    def notices(self) -> list[Notice]:
        """Return a copy of what was delivered so far."""
        with self.server.lock:
            return list(self.server.notices)


@dataclass(frozen=True, slots=True)
class Fast:
    """The fast tiers of some SLOs, compressed: rule files to load, and per service the SLO and its tier."""

    rules: dict[str, str]
    watched: dict[str, tuple[Slo, Tier]]


def fast_tiers(objectives: Mapping[str, float], factor: float) -> Fast:
    """Return the rules of one SLO a system, of service `demo-<name>`, all windows divided by `factor`.

    Slower tiers look further back than these worlds are old, and would page first for that reason alone.
    """
    slos, problems = load({f"{name}.yaml": _spec(name, objective) for name, objective in objectives.items()})
    if problems:
        raise SystemExit(str(problems[0]))
    rules, watched = {}, {}
    for slo, windows in slos.watched():
        group = compile_slo(slo, windows, Links("http://127.0.0.1", "http://127.0.0.1"), factor)
        kept = tuple(r for r in group.rules if not isinstance(r, Alerting) or r.labels.get("tier") == "fast")
        rules[f"{slo.service}.rules.yml"] = rule_file(Group(group.name, kept), "bench")
        watched[slo.service] = (slo, windows.tiers[0])
    return Fast(rules, watched)


def _spec(name: str, objective: float) -> str:
    series = f'{METRIC}{{system="{name}"'
    bad, total = f'sum(rate({series},outcome="bad"}}[{{{{.window}}}}]))', f"sum(rate({series}}}[{{{{.window}}}}]))"
    return _SLO.format(name=name, objective=objective, bad=bad, total=total)


@contextmanager
def world(
    folder: Path, counters: Counters, rules: Mapping[str, str], alertmanager: Mapping[str, str], interval: str
) -> Iterator[World]:
    """Run Prometheus (scraping and evaluating every `interval`) and Alertmanager; end both in any case.

    `{{receiver}}` in the Alertmanager files becomes the receiver's URL.
    """
    server = Server(counters)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    receiver = f"http://{HOST}:{server.server_port}"
    ports = free_ports(["prometheus", "alertmanager"])
    for name, text in alertmanager.items():
        target = folder / "alertmanager" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace("{{receiver}}", receiver), encoding="utf-8")
    for name, text in rules.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "prometheus.yml").write_text(
        f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}, evaluation_interval: {interval}}}\n"
        f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{HOST}:{ports['alertmanager']}']}}]}}]}}\n"
        f"rule_files: [{', '.join(rules)}]\n"
        f"scrape_configs: [{{job_name: demo, static_configs: [{{targets: ['{HOST}:{server.server_port}']}}]}}]\n",
        encoding="utf-8",
    )
    programs = find_programs(["prometheus", "alertmanager"], search_path(os.environ))
    commands = [
        [
            programs["alertmanager"],
            f"--config.file={folder / 'alertmanager/alertmanager.yml'}",
            f"--storage.path={folder / 'alertmanager-data'}",
            f"--web.listen-address={HOST}:{ports['alertmanager']}",
            "--cluster.listen-address=",
        ],
        [
            programs["prometheus"],
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'prometheus-data'}",
            f"--web.listen-address={HOST}:{ports['prometheus']}",
        ],
    ]
    urls = {name: f"http://{HOST}:{port}" for name, port in ports.items()}
    running: list[subprocess.Popen[bytes]] = []
    try:
        for command, name in zip(commands, ("alertmanager", "prometheus"), strict=True):
            with (folder / f"{name}.log").open("wb") as log:
                running.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=folder))
            wait(f"{urls[name]}/-/ready")
        # Alerts sent before Alertmanager is discovered are lost for a minute (research/alerts.md 5, trap 3).
        wait(f"{urls['prometheus']}/metrics", "prometheus_notifications_alertmanagers_discovered 1")
        yield World(urls["prometheus"], urls["alertmanager"], server)
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(timeout=30)
        server.shutdown()
        shutil.rmtree(folder / "prometheus-data", ignore_errors=True)


def wait(url: str, holds: str = "") -> None:
    """Wait until a URL answers 200 with `holds` in its text; raise TimeoutError after two minutes."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if holds in answer.read().decode():
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError(f"{url} was not ready in time")
