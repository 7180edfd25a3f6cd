"""What the benches on a backfilled Prometheus share: SLOs from a query, Sloth's rules, query statistics."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bongsu.core.durations import parse_duration
from bongsu.slo.compile import compile_slo
from bongsu.slo.load import load
from bongsu.slo.rules import Links
from bongsu.slo.sloth import compat

if TYPE_CHECKING:
    from bongsu.slo.model import Slo, Windows
    from bongsu.slo.rules import Alerting, Group, Recording

LINKS = Links("http://127.0.0.1", "http://127.0.0.1")
SLOTH_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
_MONTH = 30 * 86400.0
"""The alert windows are those of a month, whatever the period: only the recordings are compared."""
_SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: works
  annotations: {{bongsu/alert: WorksBurn, bongsu/title-ko: 작동}}
spec:
  service: {service}
  budgetingMethod: Occurrences
  timeWindow: [{{duration: {period}, isRolling: true}}]
  objectives: [{{target: {objective}}}]
  indicator:
    spec:
      ratioMetric:
        counter: true
        bad: {{metricSource: {{type: Prometheus, spec: {{query: '{bad}'}}}}}}
        total: {{metricSource: {{type: Prometheus, spec: {{query: '{total}'}}}}}}
"""


def compiled(bad: str, total: str, period: str = "30d", objective: float = 0.999, service: str = "demo") -> Group:
    """Return the rules of an SLO of one ratio; queries hold `{{.window}}`."""
    slo, windows = _loaded(bad, total, period, objective, service)
    return compile_slo(slo, windows, LINKS)


def sloth(
    bad: str, total: str, period: str = "30d", objective: float = 0.999, service: str = "demo"
) -> list[Recording | Alerting]:
    """Return the rules of Sloth for the same SLO, as `bongsu compile --compat sloth` writes them."""
    slo, _ = _loaded(bad, total, period, objective, service)
    catalogue = replace(compat.BUILT_IN[_MONTH], period=parse_duration(period))
    groups = compat.compile_slo(compat.of_slo(slo), slo.spec, catalogue, compat.Flags(period=period))
    return [rule for group in groups for rule in group.rules]


def _loaded(bad: str, total: str, period: str, objective: float, service: str) -> tuple[Slo, Windows]:
    slos, problems = load(
        {"x.yaml": _SLO.format(bad=bad, total=total, period=period, objective=objective, service=service)}
    )
    if problems:
        raise SystemExit(str(problems[0]))
    ((slo, windows),) = slos.watched()
    return slo, windows


def samples_read(url: str, expr: str, at: float) -> tuple[int, list[dict[str, Any]]]:
    """Return how many samples an evaluation of an expression reads, as Prometheus itself counts, and its result."""
    ask = urllib.parse.urlencode({"query": expr, "time": f"{at:.3f}", "stats": "all"})
    with urllib.request.urlopen(f"{url}/api/v1/query", data=ask.encode(), timeout=300) as answer:
        data = json.load(answer)["data"]
    return int(data["stats"]["samples"]["totalQueryableSamples"]), list(data["result"])
