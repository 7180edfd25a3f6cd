"""What the benches on a backfilled Prometheus share: SLOs from a query, Sloth's rules, query statistics."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

from bongsu.slo.compile import compile_slo
from bongsu.slo.load import load
from bongsu.slo.rules import Links

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bongsu.slo.rules import Group

LINKS = Links("http://127.0.0.1", "http://127.0.0.1")
SLOTH_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
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
    slos, problems = load(
        {"x.yaml": _SLO.format(bad=bad, total=total, period=period, objective=objective, service=service)}
    )
    if problems:
        raise SystemExit(str(problems[0]))
    ((slo, windows),) = slos.watched()
    return compile_slo(slo, windows, LINKS)


def sloth(bad: str, total: str, period: str = "30d", objective: str = "0.001") -> Iterable[tuple[str, str]]:
    """Yield (record or alert, expression) of Sloth 0.16, typed from research/slo.md 2.1.

    Seven ratios, the average of ratios over the period, burn rates, budget, and the two alerts.
    """
    ids = '{sloth_id="demo-works", sloth_service="demo", sloth_slo="works"}'
    for window in SLOTH_WINDOWS:
        ratio = f"({bad})\n/\n({total})".replace("{{.window}}", window)
        yield f"slo:sli_error:ratio_rate{window}", ratio
    five = f"slo:sli_error:ratio_rate5m{ids}"
    averaged = f"sum_over_time({five}[{period}])\n/ ignoring (sloth_window)\ncount_over_time({five}[{period}])"
    yield f"slo:sli_error:ratio_rate{period}", averaged
    on = f"/ on(sloth_id, sloth_slo, sloth_service) group_left\nslo:error_budget:ratio{ids}"
    yield "slo:current_burn_rate:ratio", f"{five}\n{on}"
    yield "slo:period_burn_rate:ratio", f"slo:sli_error:ratio_rate{period}{ids}\n{on}"
    yield "slo:period_error_budget_remaining:ratio", f"1 - slo:period_burn_rate:ratio{ids}"

    def arm(window: str, factor: str) -> str:
        return f"max(slo:sli_error:ratio_rate{window}{ids} > ({factor} * {objective})) without (sloth_window)"

    for name, quick, slow in (
        ("page", ("5m", "1h", "14.4"), ("30m", "6h", "6")),
        ("ticket", ("2h", "1d", "3"), ("6h", "3d", "1")),
    ):
        arms = (f"({arm(short, factor)} and {arm(long, factor)})" for short, long, factor in (quick, slow))
        yield name, " or ".join(arms)


def samples_read(url: str, expr: str, at: float) -> tuple[int, list[dict[str, Any]]]:
    """Return how many samples an evaluation of an expression reads, as Prometheus itself counts, and its result."""
    ask = urllib.parse.urlencode({"query": expr, "time": f"{at:.3f}", "stats": "all"})
    with urllib.request.urlopen(f"{url}/api/v1/query", data=ask.encode(), timeout=300) as answer:
        data = json.load(answer)["data"]
    return int(data["stats"]["samples"]["totalQueryableSamples"]), list(data["result"])
