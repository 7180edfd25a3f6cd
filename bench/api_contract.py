"""The API against its OpenAPI document, and tenants against each other: run `python -m bench.api_contract`.

The running system (PostgreSQL, Chroma, providers, API, worker): schemathesis with all its checks tries `--examples` of
each kind on every endpoint, for `--seconds` at most. Then, without the worker, one tenant tries every endpoint of the
document on what is another's (tests/real/support/tenant_matrix.py). Bars: no answer is 5xx, no check fails, every
endpoint was asked, nothing is read or written across tenants. `--without-tenant-filter` plants that defect: an API
whose filters are off, which must fall short.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from research_assistant import db
from research_assistant.api.service import open_service
from research_assistant.settings import Settings

from bench.support.figures import Figures
from tests.real.support.api_world import ApiWorld
from tests.real.support.assistant import CORPUS, Assistant, answers, running_assistant
from tests.real.support.contract import Seen, look, wide
from tests.real.support.pg import free_port
from tests.real.support.stand_ins import ROOT
from tests.real.support.tenant_matrix import leaks, operations
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

EXAMPLES, SECONDS = 4, 60
TENANTS = {"ann": "a", "bob": "b"}


def main(argv: Sequence[str] | None = None) -> int:
    """Look at the API, print the figures and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=EXAMPLES, help=f"of each kind (default {EXAMPLES})")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"at most (default {SECONDS})")
    parser.add_argument("--without-tenant-filter", action="store_true", help="plant the defect")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bongsu-contract-") as name:
        folder = Path(name)
        with running_assistant(CORPUS / "articles", **wide(folder)) as assistant:
            began = time.monotonic()
            seen = look(folder, assistant.url, assistant.key, examples=options.examples, seconds=options.seconds)
            took = time.monotonic() - began
            _stop_worker(assistant)
            url = _leaky_api(assistant) if options.without_tenant_filter else assistant.url
            described, wrong = asyncio.run(_across(assistant, url))
    figures = Figures()
    figures.note("schemathesis", f"{seen.cases} cases in {took:.0f} s")
    judge(figures, seen, described, wrong)
    return figures.code()


def judge(figures: Figures, seen: Seen, described: Collection[str], wrong: Sequence[str]) -> None:
    """Judge what schemathesis saw of the endpoints that are `described`, and what went wrong across tenants."""
    total = len(described)
    asked = len(seen.endpoints & set(described))
    figures.bar("endpoints that were asked", f"{asked}", f"{total} of {total}", good=asked == total)
    figures.bar("answers 5xx, or none", f"{seen.server_errors} of {seen.cases}", "0", good=not seen.server_errors)
    checks = ", ".join(f"{check} of {endpoint} ({n})" for (endpoint, check), n in sorted(seen.failed.items()))
    figures.bar("checks that failed", checks or f"0, exit code {seen.code}", "0", good=not (checks or seen.code))
    figures.bar(
        f"reads or writes across tenants, {total} endpoints",
        "; ".join(wrong) or "0",
        "0",
        good=bool(total) and not wrong,
    )


def _stop_worker(assistant: Assistant) -> None:
    """Stop the worker: what changes of one tenant's while the other one tries is then the other one's doing."""
    worker = assistant.processes.pop("worker")
    worker.terminate()
    worker.wait(timeout=60)


def _leaky_api(assistant: Assistant) -> str:
    """Start an API without tenant filters beside the other one; return its URL."""
    port = free_port()
    argv = [sys.executable, "-m", "tests.real.support.leaky_api", "api", "--port", str(port)]
    assistant.processes["leaky"] = subprocess.Popen(argv, env=assistant.env, stderr=subprocess.DEVNULL, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    until(lambda: answers(f"{url}/readyz"), "the leaky API is ready")
    return url


async def _across(assistant: Assistant, url: str) -> tuple[set[str], list[str]]:
    """Return the endpoints that the API at `url` describes, and what one tenant could do there with another's."""
    settings = Settings.from_env(assistant.env)
    async with await db.open_pool(settings, max_size=4) as pool, httpx.AsyncClient(base_url=url, timeout=30) as http:
        world = ApiWorld(open_service(settings, pool), http)
        for name, tenant in TENANTS.items():
            await world.key(name, tenant)
        return await operations(world), await leaks(world)


if __name__ == "__main__":
    sys.exit(main())
