"""The dead man's switch: an alert that always fires, and what its silence means.

Prometheus evaluates `Watchdog`, Alertmanager sends it on every few seconds, `bongsu watch` receives it. The time of its
evaluation travels in an annotation: a dead Prometheus is noticed by that time standing still, not by Alertmanager
forgetting the alert, which takes minutes (measured: heartbeats went on for 216 s, research/alerts.md 5, trap 4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bongsu.slo.rules import Alerting, Group, rule_file

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "Watchdog"
FILE = "watchdog.rules.yml"
RECEIVER = "watchdog"
EVALUATED_AT = "evaluated_at"
GROUP_INTERVAL, REPEAT_INTERVAL = "5s", "10s"
"""Alertmanager looks at a group once per group_interval, and sends again after repeat_interval: each 10 to 15 s."""
_NOW = '{{ with query "vector(time())" }}{{ . | first | value | printf "%.3f" }}{{ end }}'


def compile_watchdog(source: str) -> str:
    """Return the rule file; `source` is the file that asked for it."""
    annotations = {
        "summary": "Always firing: its silence is the alarm.",
        "summary_ko": "항상 발생합니다. 이 경보가 조용해지면 그것이 경보입니다.",
        EVALUATED_AT: _NOW,
    }
    rule = Alerting(NAME, "vector(1)", {"severity": "none"}, annotations)
    return rule_file(Group("bongsu-watchdog", (rule,)), source)


def watchdog_route() -> dict[str, object]:
    """Return the route, to stand before all others: the heartbeat goes to the watcher and to nobody else."""
    return {
        "matchers": [f'alertname="{NAME}"'],
        "receiver": RECEIVER,
        "group_by": ["alertname"],
        "group_wait": "0s",
        "group_interval": GROUP_INTERVAL,
        "repeat_interval": REPEAT_INTERVAL,
    }


def watchdog_receiver(url: str) -> dict[str, object]:
    """Return the receiver; a resolved heartbeat is no heartbeat."""
    return {"name": RECEIVER, "webhook_configs": [{"send_resolved": False, "url": url, "max_alerts": 1}]}


def evaluated_at(body: Mapping[str, Any]) -> float | None:
    """Return when the heartbeat in a webhook's body was evaluated, seconds since 1970; None when it is no heartbeat."""
    alerts = body.get("alerts")
    for alert in alerts if isinstance(alerts, list) else []:
        if isinstance(alert, dict) and (alert.get("labels") or {}).get("alertname") == NAME:
            try:
                return float((alert.get("annotations") or {}).get(EVALUATED_AT, ""))
            except (TypeError, ValueError):
                return None
    return None
