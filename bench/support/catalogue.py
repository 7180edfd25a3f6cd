"""Write a project of as many SLOs as asked for: many services, objectives, periods and kinds of ratio."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PER_FILE = 20
OBJECTIVES = ("0.5", "0.75", "0.9", "0.95", "0.99", "0.995", "0.999", "0.9995", "0.9999")
PERIODS = ("30d", "28d", "7d", "90d")
_MANIFEST = """\
apiVersion: bongsu/v1
service: service-0
processes:
  - {name: api, command: ["true"], port: 8700, ready: /healthz}
probe: {command: ["true"]}
traffic: {command: ["true"]}
"""
_SERVICE = """\
apiVersion: openslo/v1
kind: Service
metadata:
  name: {service}
  displayName: Service {service}
spec:
  description: One of many services.
"""
_SLO = """\
---
apiVersion: openslo/v1
kind: SLO
metadata:
  name: promise-{n}
  displayName: "Promise {n}: requests succeed"
  annotations:
    bongsu/alert: Promise{n}BudgetBurn
    bongsu/title-ko: "약속 {n}: 요청 성공"
spec:
  description: >-
    A request to part {n} that was accepted is answered before its deadline. What was shed with Retry-After was never
    accepted and counts apart.
  service: {service}
  indicator:
    metadata:
      name: requests-{n}
    spec:
      ratioMetric:
        counter: true
        {kind}:
          metricSource:
            type: Prometheus
            spec:
              query: sum(rate(bongsu_events_total{{kind="api",outcome="{kind}",job="part-{n}"}}[{{{{.window}}}}]))
        total:
          metricSource:
            type: Prometheus
            spec:
              query: sum(rate(bongsu_events_total{{kind="api",outcome=~"good|bad",job="part-{n}"}}[{{{{.window}}}}]))
  timeWindow:
    - duration: {period}
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - displayName: Most of them
      target: {objective}
"""


def slo_files(count: int) -> dict[str, str]:
    """Return `{file: text}` of `count` SLOs, a service and twenty SLOs of it to a file; no query stands twice."""
    files = {}
    for first in range(0, count, PER_FILE):
        service = f"service-{first // PER_FILE}"
        parts = [_SERVICE.format(service=service)]
        parts += [
            _SLO.format(
                n=n,
                service=service,
                kind=("bad", "good")[n % 2],
                period=PERIODS[n % len(PERIODS)],
                objective=OBJECTIVES[n % len(OBJECTIVES)],
            )
            for n in range(first, min(first + PER_FILE, count))
        ]
        files[f"{service}.yaml"] = "".join(parts)
    return files


def write_project(root: Path, count: int, *, backwards: bool = False) -> Path:
    """Write a project of nothing but SLOs and routes; `backwards` creates the files in the other order."""
    (root / "slo").mkdir(parents=True)
    (root / "alerts").mkdir()
    (root / "bongsu.yaml").write_text(_MANIFEST, encoding="utf-8")
    routes = re.sub(
        r"^dependencies:\n(?:[ #].*\n|\n)*",
        "",
        (ROOT / "alerts/routes.yaml").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    (root / "alerts/routes.yaml").write_text(routes, encoding="utf-8")
    files = sorted(slo_files(count).items(), reverse=backwards)
    for name, text in files:
        (root / "slo" / name).write_text(text, encoding="utf-8")
    return root
