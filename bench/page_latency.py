"""From the first failure to the delivered page, minus the ideal: 20 trials on a real Prometheus and Alertmanager.

Twenty SLOs of one small system fail one after the other; each has a service of its own, so that no page waits for the
group interval of another. The rules and the routes are the compiled ones with all windows divided by 60. Only the fast
tiers are loaded: the others look further back than this world is old, and would page first for that reason alone.
Delivered means: the page's receiver has it, by its webhook.
The bar: p95 of (delivered - fault - ideal) at most 2 x (scrape + evaluation) + group_wait.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from bench.support.figures import Figures
from bench.support.live import Counters, Fast, Notice, fast_tiers, world
from bongsu.alerts.alertmanager import CONFIG, TEMPLATE, compile_alertmanager, compile_template
from bongsu.alerts.model import Endpoints
from bongsu.cli.catalogue import load_catalogue
from bongsu.slo.timing import detect_seconds, reset_seconds

ROOT = Path(__file__).parents[1]
TRIALS, FACTOR, INTERVAL, RATE, APART, LASTS = 20, 60.0, 0.5, 50.0, 2.0, 12.0
OBJECTIVE = 0.99
LEAD = 25.0
"""Seconds of clean traffic: longer than the longest window under trial (10 minutes / 60)."""
LATEST = 60.0


def run() -> int:
    """Run the trials, print each and the verdict."""
    names = [f"{n:02d}" for n in range(TRIALS)]
    fast = fast_tiers(dict.fromkeys(names, OBJECTIVE), FACTOR)
    start = time.time() + LEAD
    fails = {n: start + i * APART for i, n in enumerate(names)}
    counters = Counters(RATE, fails, {n: at + LASTS for n, at in fails.items()})
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as temporary:
        folder = Path(temporary)
        (folder / "secret").write_text("bench", encoding="utf-8")
        with world(folder, counters, fast.rules, _alertmanager(folder), f"{INTERVAL * 1000:.0f}ms") as live:
            deadline = max(counters.heals_at.values()) + LATEST
            while time.time() < deadline and len(_delivered(live.notices(), "resolved")) < TRIALS:
                time.sleep(0.2)
            notices = live.notices()
    return _verdict(counters, _delivered(notices, "firing"), _delivered(notices, "resolved"), fast)


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
        CONFIG: compile_alertmanager(routes, endpoints, FACTOR),
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


def _verdict(counters: Counters, fired: dict[str, float], cleared: dict[str, float], fast: Fast) -> int:
    figures, late, slow = Figures(), [], []
    for n, fails in counters.fails_at.items():
        service = f"demo-{n}"
        slo, tier = fast.watched[service]
        if service not in fired or service not in cleared:
            print(f"{service}: {'no page' if service not in fired else 'never resolved'}")
            continue
        ideal, reset = (of(tier, slo.objective, 1.0, FACTOR) for of in (detect_seconds, reset_seconds))
        took, over = fired[service] - fails, cleared[service] - counters.heals_at[n]
        late.append(took - ideal)
        slow.append(over - reset)
        print(f"{service}: page {took:5.2f} s (ideal {ideal:.2f}), resolved {over:5.2f} s (ideal {reset:.2f})")
    all_there = len(late) == TRIALS
    figures.bar("pages delivered and resolved", f"{len(late)}", f"{TRIALS} of {TRIALS}", good=all_there)
    if all_there:
        bar, p95 = 2 * (INTERVAL + INTERVAL), sorted(late)[int(len(late) * 0.95)]
        said = f"p50 {sorted(late)[len(late) // 2]:.2f} s, p95 {p95:.2f} s"
        figures.bar("fault to page minus ideal", said, f"at most {bar:g} s", good=p95 <= bar)
        said = f"p50 {sorted(slow)[len(slow) // 2]:.2f} s, max {max(slow):.2f} s"
        figures.note("recovery to resolved minus ideal", said)
    return figures.code()


if __name__ == "__main__":
    sys.exit(run())
