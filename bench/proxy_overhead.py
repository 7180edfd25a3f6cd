"""Measure what the fault proxy costs: the median chat request through it over the median straight to the provider.

    python bench/proxy_overhead.py [--requests 500]

Both paths are asked in turn over one kept-alive connection each, in one run: the machine's other load meets both.
Prints one JSON object: `ratio` is the figure, `added_ms` the difference of the two medians.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
WARM_UP = 50
MAX_REQUESTS = 5_000
BODY = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "A retry budget caps retries. " * 70}]})


def start(stack: contextlib.ExitStack, module: str, *argv: str) -> str:
    """Run a process until the stack closes and return its URL."""
    process = subprocess.Popen([sys.executable, "-m", module, *argv], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    if process.stdout is None or not (line := process.stdout.readline()):
        raise SystemExit(f"{module} did not get ready")
    return str(json.loads(line)["url"])


def connect(stack: contextlib.ExitStack, url: str) -> http.client.HTTPConnection:
    """Open a connection that closes with the stack."""
    return stack.enter_context(contextlib.closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)))


def ask(connection: http.client.HTTPConnection) -> float:
    """Return the milliseconds of one chat request."""
    started = time.perf_counter()
    headers = {"Authorization": "Bearer bench", "Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", BODY, headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != http.client.OK:
        raise SystemExit(f"the provider answered {answer.status}")
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=500, help=f"per path, at most {MAX_REQUESTS} (default 500)")
    count = min(parser.parse_args().requests, MAX_REQUESTS)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        provider = start(stack, "bongsu.local.provider", "--port", "0")
        files = ["--socket", f"{folder}/control.sock", "--ledger", f"{folder}/ledger.jsonl"]
        proxy = start(stack, "bongsu.chaos.proxy", "--listen", "0", "--upstream", provider, *files)
        straight, through = connect(stack, provider), connect(stack, proxy)
        for _ in range(WARM_UP):
            ask(straight), ask(through)
        pairs = [(ask(straight), ask(through)) for _ in range(count)]
    direct, proxied = (statistics.median(times) for times in zip(*pairs, strict=True))
    figures = {
        "requests": count,
        "direct_p50_ms": round(direct, 3),
        "proxied_p50_ms": round(proxied, 3),
        "added_ms": round(proxied - direct, 3),
        "ratio": round(proxied / direct, 3),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
