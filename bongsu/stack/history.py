"""A real Prometheus on samples of the past, for a while: what rules would have said about a history.

Samples go in through `promtool tsdb create-blocks-from openmetrics`, with one block for all of them: by default it
writes one per two hours, 360 for a month, in 99 s instead of 1.3 s (measured, research/alerts.md 4).
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx

from bongsu.core.errors import StateError, UnreachableError
from bongsu.stack.binaries import find_programs, search_path
from bongsu.stack.child import run_command, spawn, terminate
from bongsu.stack.ports import HOST, free_ports
from bongsu.stack.ready import HttpReady, make_client, why_not

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

_POINTS = 10_000
"""Points of a range query; Prometheus refuses more than 11,000 a series."""
_READY_SECONDS, _LOAD_SECONDS, _QUERY_SECONDS, _GRACE = 120.0, 600.0, 300.0, 10.0
_SAMPLES = 500_000_000
"""How many samples a query may hold in memory: a month of subqueries needs more than the default of 50 million."""

Points = list[tuple[float, float]]
"""Times in seconds since 1970 and values, in order."""


async def fill(data: Path, openmetrics: Path) -> None:
    """Add samples (OpenMetrics text with timestamps, ending in `# EOF`) to a data folder that no Prometheus uses."""
    argv = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=8784h"]
    done = await run_command([*argv, str(openmetrics), str(data)], dict(os.environ), data.parent, _LOAD_SECONDS)
    if done.code != 0:
        raise StateError(f"promtool could not load the samples: {(done.err or done.out).strip()}", where=str(data))


@asynccontextmanager
async def prometheus(data: Path) -> AsyncIterator[str]:
    """Run a Prometheus that scrapes nothing on a data folder; yield its URL, end it in any case."""
    home = data.parent
    (home / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    port = free_ports(["prometheus"])["prometheus"]
    program = find_programs(["prometheus"], search_path(os.environ))["prometheus"]
    argv = [
        program,
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=20y",
        f"--web.listen-address={HOST}:{port}",
        f"--query.max-samples={_SAMPLES}",
        f"--query.timeout={_QUERY_SECONDS:.0f}s",
    ]
    child = await spawn(argv, dict(os.environ), home, home / "prometheus.log", die_with_parent=True)
    url = f"http://{HOST}:{port}"
    try:
        async with make_client() as client:
            deadline = asyncio.get_running_loop().time() + _READY_SECONDS
            while why := await why_not(HttpReady(f"{url}/-/ready"), client):
                if child.process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                    raise UnreachableError(f"prometheus is not ready: {why}", where=str(home / "prometheus.log"))
                await asyncio.sleep(0.05)
        yield url
    finally:
        await terminate(child, signal.SIGTERM, _GRACE)


async def query_range(
    url: str, expr: str, span: tuple[float, float], step: float, told: Callable[[], None] | None = None
) -> Points:
    """Return the values of an expression at each step of [from, to]; of the one series it must have, or of none.

    Raise StateError for more series or a refused query, UnreachableError when nobody answers. `told` is called after
    each part, for progress.
    """
    start, end = span
    points: Points = []
    async with httpx.AsyncClient(trust_env=False, timeout=_QUERY_SECONDS) as client:
        while start <= end:
            stop = min(end, start + (_POINTS - 1) * step)
            ask = {"query": expr, "start": f"{start:.3f}", "end": f"{stop:.3f}", "step": f"{step:g}"}
            points += _points(await _get(client, f"{url}/api/v1/query_range", ask), url)
            start = stop + step
            if told:
                told()
    return points


def openmetrics(series: Iterable[tuple[str, Iterable[tuple[float, float]]]], path: Path) -> None:
    """Write series as OpenMetrics text, each with all its samples; the type of all is unknown."""
    with path.open("w", encoding="utf-8") as out:
        for name, points in series:
            out.writelines(f"{name} {value!r} {time!r}\n" for time, value in points)
        out.write("# EOF\n")


async def _get(client: httpx.AsyncClient, url: str, parameters: dict[str, str]) -> list[dict[str, Any]]:
    try:
        answer = await client.post(url, data=parameters)
        content = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise UnreachableError(
            f"{url}: {type(error).__name__} {error}".rstrip(), next="is Prometheus there?"
        ) from error
    if content.get("status") != "success":
        raise StateError(f"Prometheus refuses a query: {content.get('error', answer.status_code)}", where=url)
    return list(content["data"]["result"])


def _points(result: list[dict[str, Any]], url: str) -> Points:
    if len(result) > 1:
        raise StateError(f"{len(result)} series where a rule records one: aggregate the query with sum()", where=url)
    return [(float(time), float(value)) for time, value in (result[0]["values"] if result else [])]
