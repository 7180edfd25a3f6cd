"""Each kind of indicator and window, compiled and played by promtool: a failing system fires, a healthy one is silent.

The expectations are written down here from what the SLO says; nothing of the compiler computes them.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from bongsu.slo.compile import compile_slos
from bongsu.slo.load import load
from bongsu.slo.rules import Links

ALERT = 'ALERTS{alertname="ShopBurns", alertstate="firing"}'
REMAINING = "slo:period_error_budget_remaining:ratio"
HOURS_6 = 360


def slo(metric: str, objective: str = "target: 0.99", *, annotations: str = "", **changes: str) -> str:
    """Return an SLO document around an indicator, everything else as plain as can be."""
    spec = {
        "budgetingMethod": "Occurrences",
        "timeWindow": "[{duration: 30d, isRolling: true}]",
        "alertPolicies": "[]",
    } | changes
    return f"""
apiVersion: openslo/v1
kind: SLO
metadata:
  name: orders
  annotations: {{bongsu/alert: ShopBurns, bongsu/title-ko: 주문{annotations}}}
spec:
  service: shop
  indicator: {{spec: {metric}}}
  budgetingMethod: {spec["budgetingMethod"]}
  timeWindow: {spec["timeWindow"]}
  objectives: [{{{objective}}}]
  alertPolicies: {spec["alertPolicies"]}
"""


def ratio(queries: dict[str, str], **more: object) -> str:
    """Return a ratioMetric of these queries as YAML that is JSON."""
    sides = {key: source(query) for key, query in queries.items()}
    return yaml.safe_dump({"ratioMetric": {**sides, **more}}, default_flow_style=True, width=10_000)


def threshold(query: str) -> str:
    return yaml.safe_dump({"thresholdMetric": source(query)}, default_flow_style=True, width=10_000)


def source(query: str) -> dict[str, Any]:
    return {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}


@dataclass(frozen=True)
class Case:
    """An SLO, the series of a system that fails and of one that is well, a value a minute for six hours."""

    spec: str
    failing: dict[str, str]
    healthy: dict[str, str]
    others: str = field(default="")


def always(value: float) -> str:
    return f"{value}x{HOURS_6}"


def growing(step: float) -> str:
    return f"0+{step}x{HOURS_6}"


UP = {'up{job="shop",instance="a"}': "1x400", 'up{job="shop",instance="b"}': "1x400"}
SERIES = '{job="shop",instance="a"}'
CASES = {
    "a raw share of failures that somebody stored": Case(
        slo(ratio({"raw": "shop_failure_ratio"}, rawType="failure")),
        {f"shop_failure_ratio{SERIES}": always(0.5)},
        {f"shop_failure_ratio{SERIES}": always(0.005)},
    ),
    "a raw share of successes over a window": Case(
        slo(ratio({"raw": "avg_over_time(shop_success_ratio[{{.window}}])"}, rawType="success")),
        {f"shop_success_ratio{SERIES}": always(0.5)},
        {f"shop_success_ratio{SERIES}": always(0.995)},
    ),
    "gauges that count what is there": Case(
        slo(ratio({"bad": "sum(shop_carts_stuck)", "total": "sum(shop_carts)"}, counter=False)),
        {f"shop_carts_stuck{SERIES}": always(4), f"shop_carts{SERIES}": always(10)},
        {f"shop_carts_stuck{SERIES}": always(0), f"shop_carts{SERIES}": always(10)},
    ),
    "gauges of which the bad one does not exist yet": Case(
        slo(ratio({"good": "sum(shop_carts_moving)", "total": "sum(shop_carts)"}, counter=False)),
        {f"shop_carts{SERIES}": always(10)},
        {f"shop_carts_moving{SERIES}": always(10), f"shop_carts{SERIES}": always(10)},
    ),
    "latency from a classic histogram": Case(
        slo(
            ratio(
                {
                    "good": 'sum(rate(shop_seconds_bucket{le="1.0"}[{{.window}}]))',
                    "total": "sum(rate(shop_seconds_count[{{.window}}]))",
                }
            )
        ),
        {'shop_seconds_bucket{job="shop",le="1.0"}': growing(50), 'shop_seconds_count{job="shop"}': growing(100)},
        {'shop_seconds_bucket{job="shop",le="1.0"}': growing(100), 'shop_seconds_count{job="shop"}': growing(100)},
    ),
    "a value that must stay below a limit": Case(
        slo(threshold("max(shop_queue_age_seconds)"), "op: lt, value: 60, target: 0.99"),
        {f"shop_queue_age_seconds{SERIES}": always(60)},
        {f"shop_queue_age_seconds{SERIES}": always(59)},
    ),
    "a quantile over a window, idle at times": Case(
        slo(
            threshold("histogram_quantile(0.9, sum by (le) (rate(shop_seconds_bucket[{{.window}}])))"),
            "op: lte, value: 1, target: 0.99",
        ),
        {
            'shop_seconds_bucket{job="shop",le="1.0"}': growing(50),
            'shop_seconds_bucket{job="shop",le="10.0"}': growing(100),
            'shop_seconds_bucket{job="shop",le="+Inf"}': growing(100),
        },
        {
            'shop_seconds_bucket{job="shop",le="1.0"}': "0+100x100 10000x260",
            'shop_seconds_bucket{job="shop",le="+Inf"}': "0+100x100 10000x260",
        },
    ),
    "two targets of which one is down: a boolean gauge": Case(
        slo(threshold('up{job="shop"}'), "op: gte, value: 1, target: 0.99"),
        UP | {'up{job="shop",instance="b"}': always(0)},
        {},
    ),
    "slices of time that are good or bad": Case(
        slo(
            ratio({"bad": "sum(rate(shop_bad[{{.window}}]))", "total": "sum(rate(shop_all[{{.window}}]))"}),
            "timeSliceTarget: 0.9, timeSliceWindow: 5, target: 0.99",
            budgetingMethod="Timeslices",
        ),
        {f"shop_bad{SERIES}": growing(11), f"shop_all{SERIES}": growing(100)},
        {f"shop_bad{SERIES}": growing(9), f"shop_all{SERIES}": growing(100)},
    ),
    "slices longer than the recorded window": Case(
        slo(
            threshold("shop_queue"),
            "op: lte, value: 10, timeSliceTarget: 0.5, timeSliceWindow: 10m, target: 0.99",
            budgetingMethod="Timeslices",
        ),
        {f"shop_queue{SERIES}": "11 11 11 5 " * 100},
        {f"shop_queue{SERIES}": "5 5 5 11 " * 100},
    ),
    "slices that count by their good share": Case(
        slo(
            ratio({"bad": "sum(rate(shop_bad[{{.window}}]))", "total": "sum(rate(shop_all[{{.window}}]))"}),
            "timeSliceWindow: 5m, target: 0.99",
            budgetingMethod="RatioTimeslices",
        ),
        {f"shop_bad{SERIES}": growing(30), f"shop_all{SERIES}": growing(100)},
        {f"shop_bad{SERIES}": growing(0), f"shop_all{SERIES}": growing(100)},
    ),
    "money: fifteen times the allowed rate, and half of it": Case(
        slo(
            threshold("sum(rate(shop_usd_total[{{.window}}]))"),
            "op: lte, value: 43200, target: 0.99",  # a dollar a minute
            annotations=", bongsu/indicator: spend",
        ),
        {f"shop_usd_total{SERIES}": growing(15)},
        {f"shop_usd_total{SERIES}": growing(0.5)},
    ),
    "a tier of one's own, by reference": Case(
        slo(
            ratio({"bad": "sum(rate(shop_bad[{{.window}}]))", "total": "sum(rate(shop_all[{{.window}}]))"}),
            alertPolicies="[{alertPolicyRef: wake}]",
        ),
        {f"shop_bad{SERIES}": growing(3), f"shop_all{SERIES}": growing(100)},
        {f"shop_bad{SERIES}": growing(1), f"shop_all{SERIES}": growing(100)},
        """
- apiVersion: openslo/v1
  kind: AlertPolicy
  metadata: {name: wake}
  spec:
    alertWhenBreaching: true
    conditions: [{conditionRef: twice}]
    notificationTargets: [{kind: AlertNotificationTarget, metadata: {name: phone}, spec: {target: page}}]
- apiVersion: openslo/v1
  kind: AlertCondition
  metadata: {name: twice}
  spec:
    severity: page
    condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 1h, alertAfter: 10m}
""",
    ),
}


def compiled(spec: str, others: str = "") -> str:
    slos, problems = load({"slo/a.yaml": spec} | ({"slo/b.yaml": others} if others else {}))
    assert problems == []
    (text,) = compile_slos(slos, Links("https://git.example.com", "https://grafana.example.com")).values()
    return text


def play(folder: Path, rules: str, series: dict[str, str], asked: list[dict[str, Any]], interval: str = "1m") -> str:
    """Return what promtool says against a replay; empty when it has nothing to say."""
    tool = shutil.which("promtool")
    if tool is None:
        pytest.fail("promtool is not on PATH: run `make setup`")
    (folder / "rules.yml").write_text(rules, encoding="utf-8")
    replay = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": interval,
        "tests": [
            {
                "interval": interval,
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": asked,
            }
        ],
    }
    (folder / "replay.yml").write_text(yaml.safe_dump(replay, allow_unicode=True), encoding="utf-8")
    done = subprocess.run(
        [tool, "test", "rules", "replay.yml"], cwd=folder, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def value(expr: str, at: str, result: float | None) -> dict[str, Any]:
    """Ask for one number, to the half percent that is told apart here; None: there is none."""
    if result is None:
        return {"expr": expr, "eval_time": at, "exp_samples": []}
    whole = f"round(1000 * sum({expr}))"
    return {"expr": whole, "eval_time": at, "exp_samples": [{"labels": "{}", "value": round(1000 * result)}]}


@pytest.mark.parametrize("name", CASES)
def test_a_failing_system_fires(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    asked = [{"expr": f"count({ALERT}) > bool 0", "eval_time": "5h", "exp_samples": [{"labels": "{}", "value": 1}]}]
    assert play(tmp_path, compiled(case.spec, case.others), UP | case.failing, asked) == ""


@pytest.mark.parametrize("name", CASES)
def test_a_healthy_system_is_silent_and_measured(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    asked = [
        {"expr": f"count_over_time({ALERT}[6h])", "eval_time": "6h", "exp_samples": []},
        {"expr": "count(slo:sli_error:ratio_rate5m)", "eval_time": "1h", "exp_samples": [{"labels": "{}", "value": 1}]},
    ]
    assert play(tmp_path, compiled(case.spec, case.others), UP | case.healthy, asked) == ""


@pytest.mark.parametrize("name", CASES)
def test_every_kind_is_one_group_of_at_most_17_rules(name: str) -> None:
    (group,) = yaml.safe_load(compiled(CASES[name].spec, CASES[name].others))["groups"]
    assert len(group["rules"]) <= 17
