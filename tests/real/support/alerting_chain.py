"""A whole alerting chain of real processes with `bongsu watch` beside it, and a channel of its own for what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from bongsu.alerts.alertmanager import CONFIG, TEMPLATE, compile_alertmanager, compile_template
from bongsu.alerts.watchdog import FILE, GROUP_INTERVAL, REPEAT_INTERVAL, compile_watchdog
from bongsu.cli.catalogue import load_catalogue
from bongsu.stack.binaries import find_programs, search_path
from bongsu.stack.endpoints import ROUTING_KEY, local_endpoints, slack_url_file
from bongsu.stack.home import Home
from bongsu.stack.ports import HOST, free_ports
from bongsu.stack.secretfiles import ensure_secret
from tests.real.support.stand_ins import ROOT, Running, running, stop
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUTES = load_catalogue(ROOT).alerts.routes
PROGRAMS = find_programs(["prometheus", "alertmanager"], search_path(os.environ))
PARTS = ("prometheus", "alertmanager", "receiver")
RECEIVER = "bongsu.local.receiver"


@dataclass(frozen=True, slots=True)
class Chain:
    """The parts of an alerting chain, the watcher and the channel on which it speaks."""

    folder: Path
    client: httpx.Client
    parts: dict[str, subprocess.Popen[str]]
    watch: str
    channel: Running

    def silent(self, part: str) -> float:
        status: dict[str, dict[str, Any]] = self.client.get(f"{self.watch}/status").json()
        return float(status[part]["silent_seconds"])

    def told(self) -> list[dict[str, Any]]:
        found = self.client.get(f"{self.channel.url}/notifications").json()["notifications"]
        return [one["body"] for one in found]


@contextmanager
def chain(folder: Path, evaluation: str, late: str, *, brisk: bool = False) -> Iterator[Chain]:
    """Run the whole chain in a folder; `brisk` lets the heartbeat go each second instead of each 10 to 15."""
    assert ROUTES is not None
    ports = free_ports(["prometheus", "alertmanager", "watch"])
    home = Home(folder, "proof", "watch")
    home.secrets.mkdir()
    ensure_secret(home.secrets, ROUTING_KEY)
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(trust_env=False, timeout=10))
        channel, receiver = (
            stack.enter_context(running(RECEIVER, "--port", "0", "--smtp-port", "0", "--folder", str(folder / name)))
            for name in ("channel", "receiver")
        )
        slack_url_file(home).write_text(f"{receiver.url}/slack", encoding="utf-8")
        urls = {name: f"http://{HOST}:{port}" for name, port in ports.items()}
        to = local_endpoints({"receiver": receiver.url, "receiver-smtp": receiver.ready["smtp"], **urls}, home)
        (folder / "templates").mkdir()
        config = compile_alertmanager(ROUTES, to)
        for interval in (f"group_interval: {GROUP_INTERVAL}", f"repeat_interval: {REPEAT_INTERVAL}"):
            assert interval in config
            config = config.replace(interval, f"{interval.split()[0]} 1s") if brisk else config
        (folder / CONFIG).write_text(config, encoding="utf-8")
        (folder / TEMPLATE).write_text(compile_template(ROUTES.file), encoding="utf-8")
        (folder / FILE).write_text(compile_watchdog(ROUTES.file), encoding="utf-8")
        (folder / "prometheus.yml").write_text(
            f"global: {{evaluation_interval: {evaluation}}}\n"
            f"rule_files: [{FILE}]\n"
            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{HOST}:{ports['alertmanager']}']}}]}}]}}\n",
            encoding="utf-8",
        )
        parts = {
            "alertmanager": start(
                folder,
                PROGRAMS["alertmanager"],
                f"--config.file={folder / CONFIG}",
                f"--storage.path={folder / 'alertmanager-data'}",
                f"--web.listen-address={HOST}:{ports['alertmanager']}",
                "--cluster.listen-address=",
            ),
            "prometheus": start(
                folder,
                PROGRAMS["prometheus"],
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'prometheus-data'}",
                f"--web.listen-address={HOST}:{ports['prometheus']}",
                "--rules.alert.resend-delay=5s",
            ),
            "receiver": receiver.process,
        }
        watcher = start(
            folder,
            *(sys.executable, "-m", "bongsu.cli.main", "--root", str(ROOT), "watch", "--port", str(ports["watch"])),
            *("--prometheus", urls["prometheus"], "--alertmanager", urls["alertmanager"], "--late", late),
            *("--receiver", f"{receiver.url}/healthz", "--tell", f"{channel.url}/slack"),
        )
        try:
            yield Chain(folder, client, parts, urls["watch"], channel)
        finally:
            for process in (watcher, parts["prometheus"], parts["alertmanager"]):
                stop(process)


def start(folder: Path, *argv: str) -> subprocess.Popen[str]:
    with (folder / f"{Path(argv[0]).name}.log").open("ab") as log:
        return subprocess.Popen(argv, stdout=log, stderr=log, text=True, cwd=folder)


def settle(chain: Chain) -> None:
    """Wait until the watcher has heard a heartbeat: the silence of the pipeline grows from its start and then falls."""
    longest = 0.0

    def fell() -> bool:
        nonlocal longest
        try:
            now = chain.silent("pipeline")
        except httpx.HTTPError:
            return False
        longest = max(longest, now)
        return now < longest

    until(fell, "a heartbeat arrives")
    assert chain.told() == []
