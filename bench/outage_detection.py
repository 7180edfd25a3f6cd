"""How soon a total outage is noticed, by objective: seven SLOs side by side on a real Prometheus in compressed time.

All windows are divided by 60, and what is measured is multiplied by 60 again: an evaluation and a scrape, half a second
each, count as a minute. Noticed is what Prometheus itself says of its alert (`activeAt`). Sloth's default paging pairs
(14.4 over 1 h and 5 m, 6 over 6 h and 30 m) stand beside, by their definition. The bar: 5 minutes at true scale, each.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench.page_latency import SLO
from bench.support.live import METRIC, Counters, world
from bongsu.chaos.adapters.observers import parse_time
from bongsu.core.durations import format_duration
from bongsu.slo.compile import compile_slo
from bongsu.slo.load import load
from bongsu.slo.rules import Alerting, Group, Links, rule_file
from bongsu.slo.timing import detect_seconds

OBJECTIVES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999)
FACTOR, INTERVAL, RATE, LEAD, LATEST, BAR = 60.0, 0.5, 200.0, 75.0, 30.0, 300.0
ALERTMANAGER = {"alertmanager.yml": "route: {receiver: none}\nreceivers: [{name: none}]\n"}
SLOTH = ((14.4, 3600.0), (6.0, 21600.0))


def run() -> int:
    """Let all seven fail at once, print when each is noticed and the verdict."""
    texts = {f"{i}.yaml": _spec(i, objective) for i, objective in enumerate(OBJECTIVES)}
    slos, problems = load(texts)
    if problems:
        raise SystemExit(str(problems[0]))
    rules, computed = {}, {}
    for slo, windows in slos.watched():
        group = compile_slo(slo, windows, Links("http://127.0.0.1", "http://127.0.0.1"), FACTOR)
        kept = tuple(r for r in group.rules if not isinstance(r, Alerting) or r.labels.get("tier") == "fast")
        rules[f"{slo.service}.rules.yml"] = rule_file(Group(group.name, kept), "bench")
        computed[slo.service] = (slo.objective, detect_seconds(windows.tiers[0], slo.objective, 1.0))
    fails = time.time() + LEAD
    names = [str(i) for i in range(len(OBJECTIVES))]
    counters = Counters(RATE, dict.fromkeys(names, fails), dict.fromkeys(names, fails + 3600))
    with (
        tempfile.TemporaryDirectory(prefix="bongsu-bench-") as temporary,
        world(Path(temporary), counters, rules, ALERTMANAGER, f"{INTERVAL * 1000:.0f}ms") as live,
    ):
        noticed: dict[str, float] = {}
        while time.time() < fails + LATEST and len(noticed) < len(names):
            for service, at in _firing(live.prometheus).items():
                noticed.setdefault(service, at)
            time.sleep(0.1)
    return _verdict(noticed, computed, fails)


def _spec(i: int, objective: float) -> str:
    series = f'{METRIC}{{system="{i}"'
    bad, total = f'sum(rate({series},outcome="bad"}}[{{{{.window}}}}]))', f"sum(rate({series}}}[{{{{.window}}}}]))"
    text = SLO.format(n=i, bad=f"'{bad}'", total=f"'{total}'")
    return text.replace("target: 0.99", f"target: {objective}")


def _firing(url: str) -> dict[str, float]:
    """Return since when each service's alert has been active, as Prometheus itself says: seconds since 1970."""
    with urllib.request.urlopen(f"{url}/api/v1/alerts", timeout=10) as answer:
        alerts = json.load(answer)["data"]["alerts"]
    return {a["labels"]["service"]: parse_time(a["activeAt"]) for a in alerts}


def _verdict(noticed: dict[str, float], computed: dict[str, tuple[float, float]], fails: float) -> int:
    good = True
    print("objective  measured x 60  computed  Sloth, by definition")
    for service, (objective, ideal) in computed.items():
        took = (noticed[service] - fails) * FACTOR if service in noticed else None
        fine = took is not None and took <= BAR
        good &= fine
        seen = "never" if took is None else format_duration(round(took))
        line = f"{objective * 100:>7g} %  {seen:<13}  {format_duration(round(ideal)):<8}  {_sloth(objective):<8}"
        print(line if fine else f"{line}  FALLS SHORT")
    print(f"total outage noticed within {format_duration(BAR)} at every objective: {'ok' if good else 'FALLS SHORT'}")
    return 0 if good else 1


def _sloth(objective: float) -> str:
    """Return when the first of Sloth's two paging pairs sees a total outage: its share of the long window."""
    shares = [(factor * (1 - objective), long) for factor, long in SLOTH]
    found = [share * long for share, long in shares if share < 1]
    return format_duration(round(min(found))) if found else "never"


if __name__ == "__main__":
    sys.exit(run())
