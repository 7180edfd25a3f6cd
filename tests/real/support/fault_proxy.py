"""Start the fault proxy in front of an upstream and keep its files and its control client together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bongsu.chaos.adapters.faultproxy import FaultProxyClient
from tests.real.support.stand_ins import Running, running

MODULE = "bongsu.chaos.proxy"
CHAT = "/v1/chat/completions"
QUESTION: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Budgets cap retries."}]}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy with its files and a control client."""

    running: Running
    socket: Path
    ledger_file: Path
    control: FaultProxyClient

    @property
    def url(self) -> str:
        return self.running.url

    def ledger(self, event: str = "") -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.ledger_file.read_text().splitlines()]
        return [line for line in lines if not event or line["event"] == event]


@contextmanager
def proxying(folder: Path, upstream: str, *more: str) -> Iterator[Proxy]:
    path, ledger = folder / "control.sock", folder / "ledger.jsonl"
    argv = ["--listen", "0", "--upstream", upstream, "--socket", str(path), "--ledger", str(ledger), *more]
    with running(MODULE, *argv) as process:
        yield Proxy(process, path, ledger, FaultProxyClient(path))
