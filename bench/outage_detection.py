"""How soon a total outage is noticed, by objective: seven SLOs side by side on a real Prometheus in compressed time.

All windows are divided by 60, and what is measured is multiplied by 60 again: an evaluation and a scrape, half a second
each, count as a minute. Noticed is what Prometheus itself says of its alert (`activeAt`). Sloth's default paging pairs
(14.4 over 1 h and 5 m, 6 over 6 h and 30 m) stand beside, by their definition. The bar: 5 minutes at true scale, each.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench.support.figures import Figures
from bench.support.live import Counters, Fast, fast_tiers, world
from bongsu.chaos.adapters.observers import parse_time
from bongsu.core.durations import format_duration
from bongsu.slo.timing import detect_seconds

OBJECTIVES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999)
FACTOR, INTERVAL, RATE, LEAD, LATEST, BAR = 60.0, 0.5, 200.0, 75.0, 30.0, 300.0
ALERTMANAGER = {"alertmanager.yml": "route: {receiver: none}\nreceivers: [{name: none}]\n"}
SLOTH = ((14.4, 3600.0), (6.0, 21600.0))


def run() -> int:
    """Let all seven fail at once, print when each is noticed and the verdict."""
    objectives = {str(i): objective for i, objective in enumerate(OBJECTIVES)}
    fast = fast_tiers(objectives, FACTOR)
    fails = time.time() + LEAD
    counters = Counters(RATE, dict.fromkeys(objectives, fails), dict.fromkeys(objectives, fails + 3600))
    with (
        tempfile.TemporaryDirectory(prefix="bongsu-bench-") as temporary,
        world(Path(temporary), counters, fast.rules, ALERTMANAGER, f"{INTERVAL * 1000:.0f}ms") as live,
    ):
        noticed: dict[str, float] = {}
        while time.time() < fails + LATEST and len(noticed) < len(objectives):
            for service, at in _firing(live.prometheus).items():
                noticed.setdefault(service, at)
            time.sleep(0.1)
    return _verdict(noticed, fast, fails)


def _firing(url: str) -> dict[str, float]:
    """Return since when each service's alert has been active, as Prometheus itself says: seconds since 1970."""
    with urllib.request.urlopen(f"{url}/api/v1/alerts", timeout=10) as answer:
        alerts = json.load(answer)["data"]["alerts"]
    return {a["labels"]["service"]: parse_time(a["activeAt"]) for a in alerts}


def _verdict(noticed: dict[str, float], fast: Fast, fails: float) -> int:
    figures = Figures()
    for service, (slo, tier) in fast.watched.items():
        took = (noticed[service] - fails) * FACTOR if service in noticed else math.inf
        computed = format_duration(round(detect_seconds(tier, slo.objective, 1.0)))
        figures.bar(
            f"total outage at {slo.objective * 100:g} % noticed after (measured x {FACTOR:g})",
            f"{'never' if math.isinf(took) else format_duration(round(took))}, computed {computed}, "
            f"Sloth by definition {_sloth(slo.objective)}",
            f"at most {format_duration(BAR)}",
            good=took <= BAR,
        )
    return figures.code()


def _sloth(objective: float) -> str:
    """Return when the first of Sloth's two paging pairs sees a total outage: its share of the long window."""
    shares = [(factor * (1 - objective), long) for factor, long in SLOTH]
    found = [share * long for share, long in shares if share < 1]
    return format_duration(round(min(found))) if found else "never"


if __name__ == "__main__":
    sys.exit(run())
