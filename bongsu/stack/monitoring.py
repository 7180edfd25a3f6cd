"""The configuration of Prometheus for one stack; pure. The rules and Alertmanager's file come compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bongsu.core.durations import format_duration
from bongsu.core.emit import dump
from bongsu.core.errors import StateError
from bongsu.stack.addresses import ALERTMANAGER, BACKUPS, NODE, PROMETHEUS, SUPERVISOR, WATCH, instances
from bongsu.stack.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bongsu.core.manifest import Manifest

RULES = "prometheus/"
RULES_SUFFIX = ".rules.yml"
ALERTMANAGER_FILE = "alertmanager/alertmanager.yml"
_TIMEOUT_SECONDS = 10.0


def prometheus_config(
    manifest: Manifest,
    ports: Mapping[str, int],
    rule_files: Iterable[str],
    scrape_seconds: float,
    *,
    watch_machine: bool = True,
) -> str:
    """Return prometheus.yml: job = process name, instance = replica name.

    No external labels: they would be added to alerts on their way, and the label sets in Prometheus, Alertmanager and
    receiver could no longer be compared.
    """
    interval = format_duration(scrape_seconds)
    jobs = [
        _job(process.name, process.metrics, {name: ports[name] for name in instances(process)})
        for process in manifest.processes
        if process.metrics
    ]
    own = (PROMETHEUS, ALERTMANAGER, SUPERVISOR, BACKUPS, WATCH, *((NODE,) if watch_machine else ()))
    jobs += [_job(name, "/metrics", {name: ports[name]}) for name in own if name in ports]
    return dump(
        {
            "global": {
                "scrape_interval": interval,
                "scrape_timeout": format_duration(min(scrape_seconds, _TIMEOUT_SECONDS)),
                "evaluation_interval": interval,
            },
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"{HOST}:{ports[ALERTMANAGER]}"]}]}]},
            "rule_files": list(rule_files),
            "scrape_configs": jobs,
        },
        "Written by the stack at each start.",
    )


def _job(name: str, path: str, targets: Mapping[str, int]) -> dict[str, Any]:
    return {
        "job_name": name,
        "metrics_path": path,
        "static_configs": [
            {"targets": [f"{HOST}:{port}"], "labels": {"instance": instance}} for instance, port in targets.items()
        ],
    }


def rule_files(compiled: Mapping[str, str]) -> list[str]:
    """Return the paths of the compiled rule files."""
    return sorted(path for path in compiled if path.startswith(RULES) and path.endswith(RULES_SUFFIX))


def require_compiled(compiled: Mapping[str, str]) -> None:
    """Raise StateError when there is no Alertmanager configuration: without it no alert reaches anybody."""
    if ALERTMANAGER_FILE not in compiled:
        raise StateError(f"the compiler gave no {ALERTMANAGER_FILE}", next="`bongsu compile` says why")
