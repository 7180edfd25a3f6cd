"""From the first failure to the delivered page, minus the ideal: 20 trials on a real Prometheus and Alertmanager.

Twenty SLOs of one small system fail one after the other; each has a service of its own, so that no page waits for the
group interval of another. The rules and the routes are the compiled ones with all windows divided by 60. Only the fast
tiers are loaded: the others look further back than this world is old, and would page first for that reason alone.
Delivered means: the page's receiver has it, by its webhook.
The bar: p95 of (delivered - fault - ideal) at most 2 x (scrape + evaluation) + group_wait.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import time
from pathlib import Path

from bench.support.live import METRIC, Counters, Notice, world
from bongsu.alerts.alertmanager import CONFIG, TEMPLATE, compile_alertmanager, compile_template
from bongsu.alerts.model import Endpoints
from bongsu.cli.catalogue import load_catalogue
from bongsu.slo.compile import compile_slo
from bongsu.slo.load import load
from bongsu.slo.rules import Alerting, Group, Links, rule_file
from bongsu.slo.timing import detect_seconds, reset_seconds

ROOT = Path(__file__).parents[1]
TRIALS, FACTOR, INTERVAL, RATE, APART, LASTS = 20, 60.0, 0.5, 50.0, 2.0, 12.0
LEAD = 25.0
"""Seconds of clean traffic: longer than the longest window under trial (10 minutes / 60)."""
LATEST = 60.0
SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: works
  annotations: {{bongsu/alert: Works{n}Burn, bongsu/title-ko: 작동}}
spec:
  service: demo-{n}
  budgetingMethod: Occurrences
  timeWindow: [{{duration: 30d, isRolling: true}}]
  objectives: [{{target: 0.99}}]
  indicator:
    spec:
      ratioMetric:
        counter: true
        bad: {{metricSource: {{type: Prometheus, spec: {{query: {bad}}}}}}}
        total: {{metricSource: {{type: Prometheus, spec: {{query: {total}}}}}}}
"""


def run() -> int:
    """Run the trials, print each and the verdict."""
    names = [f"{n:02d}" for n in range(TRIALS)]
    slos, problems = load({f"{n}.yaml": _spec(n) for n in names})
    if problems:
        raise SystemExit(str(problems[0]))
    rules, ideal, reset = {}, {}, {}
    for slo, windows in slos.watched():
        group = compile_slo(slo, windows, Links("http://127.0.0.1", "http://127.0.0.1"), FACTOR)
        kept = tuple(r for r in group.rules if not isinstance(r, Alerting) or r.labels.get("tier") == "fast")
        rules[f"{slo.service}.rules.yml"] = rule_file(Group(group.name, kept), "bench")
        fast = windows.tiers[0]
        ideal[slo.service] = detect_seconds(fast, slo.objective, 1.0, FACTOR)
        reset[slo.service] = reset_seconds(fast, slo.objective, 1.0, FACTOR)
    start = time.time() + LEAD
    fails = {n: start + i * APART for i, n in enumerate(names)}
    counters = Counters(RATE, fails, {n: at + LASTS for n, at in fails.items()})
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as temporary:
        folder = Path(temporary)
        (folder / "secret").write_text("bench", encoding="utf-8")
        with world(folder, counters, rules, _alertmanager(folder), f"{INTERVAL * 1000:.0f}ms") as live:
            deadline = max(counters.heals_at.values()) + LATEST
            while time.time() < deadline and len(_delivered(live.notices(), "resolved")) < TRIALS:
                time.sleep(0.2)
            notices = live.notices()
    return _verdict(counters, _delivered(notices, "firing"), _delivered(notices, "resolved"), ideal, reset)


def _spec(n: str) -> str:
    series = f'{METRIC}{{system="{n}"'
    return SLO.format(
        n=n,
        bad=f"""'sum(rate({series},outcome="bad"}}[{{{{.window}}}}]))'""",
        total=f"""'sum(rate({series}}}[{{{{.window}}}}]))'""",
    )


def _alertmanager(folder: Path) -> dict[str, str]:
    routes = load_catalogue(ROOT).alerts.routes
    if routes is None:
        raise SystemExit("alerts/routes.yaml cannot be read")
    receiver = "{{receiver}}"
    endpoints = Endpoints(
        pagerduty_url=f"{receiver}/pagerduty",
        pagerduty_routing_key_file=str(folder / "secret"),
        slack_url_file=str(folder / "secret"),
        slack_channel="#bench",
        smtp_smarthost="127.0.0.1:1",
        smtp_from="bench@example.com",
        smtp_to="bench@example.com",
        webhooks=dict.fromkeys(routes.endpoints.webhooks, f"{receiver}/record"),
        smtp_require_tls=False,
    )
    return {
        CONFIG: compile_alertmanager(dataclasses.replace(routes), endpoints, FACTOR),
        TEMPLATE: compile_template(routes.file),
    }


def _delivered(notices: list[Notice], status: str) -> dict[str, float]:
    """Return per service when its first page of a status was delivered to PagerDuty's stand-in or the record."""
    found: dict[str, float] = {}
    for notice in notices:
        for alert in notice.body.get("alerts", []):
            if notice.path == "/record" and alert["status"] == status and alert["labels"]["severity"] == "critical":
                found.setdefault(alert["labels"]["service"], notice.at)
    return found


def _verdict(
    counters: Counters,
    fired: dict[str, float],
    cleared: dict[str, float],
    ideal: dict[str, float],
    reset: dict[str, float],
) -> int:
    bar = 2 * (INTERVAL + INTERVAL)
    late, slow = [], []
    for n, fails in counters.fails_at.items():
        service = f"demo-{n}"
        if service not in fired or service not in cleared:
            print(f"{service}: {'no page' if service not in fired else 'never resolved'}")
            continue
        late.append(fired[service] - fails - ideal[service])
        slow.append(cleared[service] - counters.heals_at[n] - reset[service])
        print(
            f"{service}: page {fired[service] - fails:5.2f} s (ideal {ideal[service]:.2f}), "
            f"resolved {cleared[service] - counters.heals_at[n]:5.2f} s (ideal {reset[service]:.2f})"
        )
    if len(late) < TRIALS:
        print(f"{len(late)} of {TRIALS} pages delivered and resolved: FALLS SHORT")
        return 1
    p50, p95 = sorted(late)[len(late) // 2], sorted(late)[int(len(late) * 0.95)]
    good = p95 <= bar
    print(f"fault to page minus ideal: p50 {p50:.2f} s, p95 {p95:.2f} s (at most {bar:g} s): {_word(good)}")
    print(f"recovery to resolved minus ideal: p50 {sorted(slow)[len(slow) // 2]:.2f} s, max {max(slow):.2f} s")
    return 0 if good else 1


def _word(good: bool) -> str:
    return "ok" if good else "FALLS SHORT"


if __name__ == "__main__":
    sys.exit(run())
