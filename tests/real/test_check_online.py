"""`bongsu check --online` against a real Prometheus: what is there, what is not, and nobody who answers."""

from __future__ import annotations

import asyncio
import json
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from bongsu.stack.history import fill, openmetrics, prometheus
from bongsu.stack.ports import HOST, free_ports
from tests.golden.scenario import bongsu, build

THERE = (
    'http_requests_total{job="shop",code="200"}',
    'http_requests_total{job="shop",code="500"}',
    'nightly_rows_total{job="batch"}',
)
QUERY = "expr: sum(rate(bongsu_errors_total[5m]))"
ASKED = (
    'sum(rate(http_requests_total{code="500"}[5m]))',
    'sum(rate(http_requests_total{code="503",job="shop"}[5m]))',
    'sum(rate(http_requests_total{code="500",job!="shop"}[5m]))',
    "nightly_rows_total",
    "http_request_total",
)


def world(root: Path) -> Path:
    """Return the small world, whose runbook asks for metrics of somebody else."""
    build(root)
    for name in ("RunsBurn.md", "RunsBurn.ko.md"):
        path = root / "runbooks" / name
        path.write_text(path.read_text(encoding="utf-8").replace(QUERY, f"expr: {' + '.join(ASKED)}"), encoding="utf-8")
    return root


def asked(root: Path, folder: Path) -> tuple[int, list[dict[str, Any]], str]:
    """Return what the check says with a Prometheus that has THERE now, but the nightly job's series hours ago only."""
    now = time.time()
    series = [(name, [(now - 120.0, 1.0), (now - 5.0, 2.0)]) for name in THERE[:2]]
    series.append((THERE[2], [(now - 5 * 3600.0, 1.0)]))

    async def run() -> tuple[int, str, str]:
        openmetrics(series, folder / "samples.txt")
        await fill(folder / "data", folder / "samples.txt")
        async with prometheus(folder / "data") as url:
            return await asyncio.to_thread(bongsu, root, "check", "--json", "--online", url)

    code, out, err = asyncio.run(run())
    return code, json.loads(out)["problems"], err


def test_a_real_prometheus_says_which_selectors_find_nothing_and_why(tmp_path: Path) -> None:
    root = world(tmp_path / "world")
    code, found, err = asked(root, tmp_path)
    said = {p["what"]: p["code"] for p in found if p["file"] == "runbooks/RunsBurn.md"}
    assert (code, err) == (1, "")
    assert said == {
        'http_requests_total exists, but no series of it with code="503"': "online/no-series",
        'http_requests_total exists, but no series of it with job!="shop"': "online/no-series",
        "this Prometheus has no series of http_request_total": "online/no-series",
        "no metric 'http_request_total' is known": "expr/metric",
    }
    hint = next(p["fix"] for p in found if p["code"] == "expr/metric")
    assert hint == "did you mean http_requests_total?"


def test_without_a_prometheus_the_same_metrics_are_unknown(tmp_path: Path) -> None:
    _, out, _ = bongsu(world(tmp_path), "check", "--json")
    found = [p for p in json.loads(out)["problems"] if p["file"] == "runbooks/RunsBurn.md"]
    assert [p["code"] for p in found] == ["expr/metric"] * 5


def test_nobody_who_answers_is_exit_code_3_and_not_a_finding(tmp_path: Path) -> None:
    port = free_ports(["nobody"])["nobody"]
    code, out, err = bongsu(build(tmp_path), "check", "--online", f"http://{HOST}:{port}")
    assert (code, out) == (3, "")
    assert "ConnectError" in err


def test_an_address_that_is_none_or_holds_a_password_is_wrong_use_and_the_password_is_not_repeated(
    tmp_path: Path,
) -> None:
    root = build(tmp_path)
    for url in ("ftp://a", "nonsense", "http://me:hunter2@localhost:9090"):
        code, _, err = bongsu(root, "check", "--online", url)
        assert (code, "hunter2" in err) == (2, False)


def test_something_that_answers_and_is_no_prometheus_counts_as_unreachable(tmp_path: Path) -> None:
    root = build(tmp_path / "world")
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer((HOST, 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        code, _, err = bongsu(root, "check", "--online", f"http://{HOST}:{server.server_address[1]}")
        server.shutdown()
    assert (code, "answers 501, and not like a Prometheus" in err) == (3, True)
