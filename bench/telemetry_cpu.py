"""Measure the CPU that telemetry takes of each run, beside OpenLLMetry, OpenLIT and Langfuse on the same graph.

Each telemetry plays in processes of its own (bench/support/telemetry_player.py), in turns, and exports by OTLP/HTTP to
a sink in this process, whose CPU does not count. What counts: user and system time of the playing process, flush
included, over the runs, minus that of the bare graph in the same environment and round; the median of ROUNDS, because
other load moves both; a busy machine makes it uncertain by a millisecond. Ours runs in the project's environment
with metrics, every trace sampled, redaction and exemplars; the others in a throw-away one made from
bench/requirements/peers.txt (hashes), as they come: they capture prompts and answers, which ours never does, and write
no Prometheus metrics. OpenLLMetry and OpenLIT also bring instrumentations of other libraries, which do nothing here.
Without the index of packages the others are left out, and said to be.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from bench.support.figures import Figures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Round = dict[tuple[Path, str], float]
    """What each telemetry in each environment took for a run, in ms."""

ROOT = Path(__file__).parents[1]
PLAYER = ROOT / "bench/support/telemetry_player.py"
LOCK = ROOT / "bench/requirements/peers.txt"
PEERS = ("openllmetry", "openlit", "langfuse")
OURS = "bongsu"
MAX_CPU_MS = 2.0
PLAY_SECONDS = 180
INSTALL_SECONDS = 600


class Sink(BaseHTTPRequestHandler):
    """Take what is exported and count it; answer as a collector does."""

    received = 0

    def do_POST(self) -> None:
        """Read the body and say yes."""
        type(self).received += len(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


@contextmanager
def sink() -> Iterator[str]:
    """Serve a sink on the loopback; yield its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def play(python: Path, setup: str, url: str, runs: int) -> float:
    """Return the CPU of one run in milliseconds; raise RuntimeError when nothing was exported that should be."""
    before = Sink.received
    argv = [str(python), str(PLAYER), setup, url, str(runs)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=PLAY_SECONDS, check=False, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"{setup}: {done.stderr[-2000:]}")
    if setup != "bare" and Sink.received == before:
        raise RuntimeError(f"{setup} exported nothing")
    return float(json.loads(done.stdout.splitlines()[-1])["cpu_ms"])


def install(folder: Path) -> Path | None:
    """Make the others' environment; return its Python, None when it cannot be made."""
    uv, python = ROOT / ".venv/bin/uv", folder / "bin/python"
    made = subprocess.run([str(uv), "venv", "-q", "--python", sys.executable, str(folder)], check=False)
    argv = [str(uv), "pip", "install", "-q", "--python", str(python), "--require-hashes", "-r", str(LOCK)]
    if made.returncode or subprocess.run(argv, timeout=INSTALL_SECONDS, check=False).returncode:
        return None
    return python


def added(rounds: Sequence[Round], python: Path, name: str) -> float:
    """Return the median over the rounds of what a telemetry added to the bare graph of the same round, in ms."""
    return statistics.median(measured[python, name] - measured[python, "bare"] for measured in rounds)


def judge(figures: Figures, rounds: Sequence[Round], own: Path, peers: Path | None) -> None:
    """Judge what the rounds measured; `peers` is None where the others could not be installed."""
    bare = [measured[own, "bare"] for measured in rounds]
    ours = added(rounds, own, OURS)
    figures.note("the bare graph", f"{min(bare):.2f} to {max(bare):.2f} ms CPU a run")
    figures.bar("bongsu.telemetry", f"{ours:.2f} ms CPU a run", f"<= {MAX_CPU_MS:g} ms", good=ours <= MAX_CPU_MS)
    if peers is None:
        figures.note(", ".join(PEERS), "not measured: their packages could not be installed")
        return
    for name in PEERS:
        other = added(rounds, peers, name)
        figures.bar(name, f"{other:.2f} ms CPU a run, {other - ours:+.2f} ms", "more than ours", good=other > ours)


def main(argv: list[str] | None = None) -> int:
    """Print what each telemetry costs; return 1 when ours costs more than its bar or than another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args(argv)
    figures = Figures()
    own = Path(sys.executable)
    with tempfile.TemporaryDirectory(prefix="bongsu-peers-") as folder, sink() as url:
        peers = install(Path(folder) / "venv")
        setups = [(own, "bare"), (own, OURS)]
        setups += [(peers, name) for name in ("bare", *PEERS)] if peers else []
        rounds = [{key: play(*key, url, args.runs) for key in setups} for _ in range(args.rounds)]
    figures.note("measured", f"{args.rounds} rounds of {args.runs} runs each")
    judge(figures, rounds, own, peers)
    return figures.code()


if __name__ == "__main__":
    sys.exit(main())
