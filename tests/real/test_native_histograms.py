"""An SLO on a native histogram, on a real Prometheus: promtool 2.42 has no notation for them.

Histograms are written sample by sample, the rules run in compressed time, and every share they recorded is compared
with the share of what was written: while nearly all is quick, while half is slow, and while nothing happens.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from bench.support.live import wait
from bongsu.core.durations import parse_duration
from bongsu.slo.compile import compile_slo
from bongsu.slo.load import load
from bongsu.slo.rules import Links, rule_file
from bongsu.stack.binaries import find_programs, search_path
from bongsu.stack.ports import HOST, free_ports
from tests.real.support.waiting import until
from tests.support.remote_write import Histogram, remote_write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FACTOR, INTERVAL = 150.0, "200ms"
AHEAD = 0.5
"""Samples are written so many seconds before their time: all rules of one moment must see the same ones."""
WINDOW = parse_duration("5m") / FACTOR
LABELS = {"__name__": "answer_seconds", "instance": "a", "job": "shop"}
RATE = 'sum(rate(answer_seconds{job="shop"}[{{.window}}]))'
QUICK, SLOW = 1, 5
"""Buckets of 1 to 2 s and of 16 to 32 s: none between holds anything, so that no interpolation decides."""
SPEC = f"""
apiVersion: openslo/v1
kind: SLO
metadata: {{name: quick, annotations: {{bongsu/alert: SlowBurn, bongsu/title-ko: 빠른 응답, bongsu/job: ""}}}}
spec:
  service: shop
  budgetingMethod: Occurrences
  timeWindow: [{{duration: 30d, isRolling: true}}]
  objectives: [{{target: 0.99}}]
  indicator:
    spec:
      ratioMetric:
        counter: true
        good:
          metricSource:
            type: Prometheus
            spec: {{query: 'histogram_fraction(0, 10, {RATE}) * histogram_count({RATE})'}}
        total:
          metricSource: {{type: Prometheus, spec: {{query: 'histogram_count({RATE})'}}}}
"""
SHARE = "slo:sli_error:ratio_rate5m"
FIRING = 'ALERTS{alertstate="firing",alertname="SlowBurn"}'
FAST = 'ALERTS{alertstate="firing",alertname="SlowBurn",tier="fast"}'
HEALTHY, FAILING, IDLE = (199, 1), (50, 50), (0, 0)
"""Quick and slow answers between two samples."""


@dataclass(slots=True)
class Writer:
    """Writes a histogram that grows by the same events at each call, and keeps what it wrote."""

    url: str
    counts: dict[int, int] = field(default_factory=lambda: {QUICK: 0, SLOW: 0})
    written: list[tuple[float, int, int]] = field(default_factory=list)

    def write(self, quick: int, slow: int) -> None:
        self.counts = {QUICK: self.counts[QUICK] + quick, SLOW: self.counts[SLOW] + slow}
        at = round(time.time() + AHEAD, 3)
        total = 1.5 * self.counts[QUICK] + 20.0 * self.counts[SLOW]
        remote_write(self.url, LABELS, at, Histogram(self.counts, total))
        self.written.append((at, quick, slow))

    def truth(self, at: float) -> float | None:
        """Return the share of slow answers in the window that ends at a time; NaN when there was none in it.

        None while events change in it: a rate is not made of whole samples then.
        """
        within = {(quick, slow) for when, quick, slow in self.written if at - WINDOW <= when <= at}
        if len(within) != 1:
            return None
        ((quick, slow),) = within
        return slow / (quick + slow) if quick + slow else math.nan


@contextmanager
def prometheus(folder: Path) -> Iterator[str]:
    """Run a Prometheus that takes native histograms, with the rules of the SLO; end it in any case."""
    slos, problems = load({"slo/x.yaml": SPEC})
    assert problems == []
    ((slo, windows),) = slos.watched()
    group = compile_slo(slo, windows, Links("http://127.0.0.1", "http://127.0.0.1"), FACTOR)
    (folder / "slo.rules.yml").write_text(rule_file(group, "slo/x.yaml"), encoding="utf-8")
    (folder / "prometheus.yml").write_text(
        f"global: {{evaluation_interval: {INTERVAL}}}\nrule_files: [slo.rules.yml]\n", encoding="utf-8"
    )
    port = free_ports(["prometheus"])["prometheus"]
    command = [
        find_programs(["prometheus"], search_path(os.environ))["prometheus"],
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={HOST}:{port}",
        "--enable-feature=native-histograms",
        "--web.enable-remote-write-receiver",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        wait(f"http://{HOST}:{port}/-/ready")
        yield f"http://{HOST}:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def ask(url: str, expr: str) -> list[dict[str, Any]]:
    body = urllib.parse.urlencode({"query": expr}).encode()
    with urllib.request.urlopen(f"{url}/api/v1/query", body, timeout=30) as answer:
        return list(json.load(answer)["data"]["result"])


def recorded(url: str, selector: str) -> list[tuple[float, float]]:
    """Return every sample that was recorded of a selector, as (seconds since 1970, value)."""
    return [(float(at), float(v)) for one in ask(url, f"{selector}[1h]") for at, v in one["values"]]


def now(url: str, expr: str) -> list[float]:
    return [float(one["value"][1]) for one in ask(url, expr.replace("{{.window}}", f"{WINDOW:g}s"))]


def test_the_share_of_a_native_histogram_is_the_true_one_and_its_alert_fires_and_clears(tmp_path: Path) -> None:
    with prometheus(tmp_path) as url:
        writer = Writer(url)

        def write_until(events: tuple[int, int], condition: Callable[[], bool], what: str) -> None:
            def written() -> bool:
                writer.write(*events)
                return condition()

            until(written, what)

        def judged() -> list[tuple[float, float, float | None]]:
            return [(at, value, writer.truth(at)) for at, value in recorded(url, SHARE)]

        def five_shares(events: tuple[int, int]) -> bool:
            return sum(true == events[1] / sum(events) for _, _, true in judged()) >= 5

        write_until(HEALTHY, lambda: five_shares(HEALTHY), "five shares of a healthy system")
        assert recorded(url, FIRING) == []
        began = time.time() + AHEAD
        write_until(FAILING, lambda: five_shares(FAILING), "five shares of a failing system")
        write_until(FAILING, lambda: bool(now(url, FAST)), "the fast tier fires")
        # What would be judged wrongly is judged wrongly: another bound, and below a share without its guard when idle.
        assert now(url, f"histogram_fraction(0, 40, {RATE})") == [pytest.approx(1.0)]
        ended = time.time()
        write_until(IDLE, lambda: not now(url, SHARE), "no share of an idle system")
        write_until(IDLE, lambda: not now(url, FAST), "the fast tier clears")
        assert [math.isnan(value) for value in now(url, f"histogram_fraction(0, 10, {RATE})")] == [True]
        assert now(url, "slo:sli_events:rate5m") == [0.0, 0.0]

        assert [one for one in judged() if one[2] is not None and one[1] != pytest.approx(one[2])] == []
        assert {true for _, _, true in judged()} == {None, HEALTHY[1] / 200, FAILING[1] / 100}
        assert [at for at, value in recorded(url, '{sloth_id="shop-quick"}') if math.isnan(value)] == []
        assert all(began <= at for at, _ in recorded(url, FIRING))
        assert any(at > ended for at, _ in recorded(url, FIRING))
