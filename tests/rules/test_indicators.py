"""Each kind of indicator and window, compiled and played by promtool: a failing system fires, a healthy one is silent.

The expectations are written down here from what the SLO says; nothing of the compiler computes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from bongsu.slo.compile import compile_slos
from bongsu.slo.load import load
from bongsu.slo.rules import Links
from tests.support.promtool import played

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


def play(
    folder: Path, rules: str, series: dict[str, str], asked: list[dict[str, Any]], pace: tuple[str, str] = ("1m", "1m")
) -> str:
    """Return what promtool says against a replay; empty when it has nothing to say. `pace`: of samples, of rules."""
    (folder / "rules.yml").write_text(rules, encoding="utf-8")
    replay = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": pace[1],
        "tests": [
            {
                "interval": pace[0],
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": asked,
            }
        ],
    }
    (folder / "replay.yml").write_text(yaml.safe_dump(replay, allow_unicode=True), encoding="utf-8")
    return played(folder, "replay.yml")


def value(expr: str, at: str, result: float | None, parts: int = 1000) -> dict[str, Any]:
    """Ask for one number, to so many parts of 1; None: there is none."""
    if result is None:
        return {"expr": expr, "eval_time": at, "exp_samples": []}
    whole = f"round({parts} * sum({expr}))"
    return {"expr": whole, "eval_time": at, "exp_samples": [{"labels": "{}", "value": round(parts * result)}]}


@pytest.mark.parametrize("name", CASES)
def test_a_failing_system_fires(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    asked = [{"expr": f"count({ALERT}) > bool 0", "eval_time": "5h", "exp_samples": [{"labels": "{}", "value": 1}]}]
    assert play(tmp_path, compiled(case.spec, case.others), UP | case.failing, asked) == ""


@pytest.mark.long
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


BAD_RATIO = ratio({"bad": "sum(rate(shop_bad[{{.window}}]))", "total": "sum(rate(shop_all[{{.window}}]))"})
WEEK = "[{duration: 1w, calendar: {startTime: 1970-01-01 00:00:00, timeZone: UTC}}]"
DAY_IN_KOLKATA = (
    "[{duration: 1d, isRolling: false, calendar: {startTime: 1970-01-01 00:00:00, timeZone: Asia/Kolkata}}]"
)


@pytest.mark.long
def test_a_day_in_kolkata_begins_at_half_past_six_in_the_evening_of_greenwich(tmp_path: Path) -> None:
    spec = slo(BAD_RATIO, "target: 0.9", timeWindow=DAY_IN_KOLKATA)
    series = {f"shop_bad{SERIES}": f"0+10x{18 * 60 + 30} 11100x400", f"shop_all{SERIES}": "0+100x1600"}
    asked = [
        value(REMAINING, "12h", 0.0),
        value(REMAINING, "18h29m", 0.0),
        value(REMAINING, "18h30m", None),
        value(REMAINING, "18h45m", 1.0),
    ]
    assert play(tmp_path, compiled(spec), UP | series, asked) == ""


def days(*steps: tuple[int, float], start: float = 0) -> str:
    """Return samples, one every half hour, of a counter that grows by so much a minute for so many days."""
    parts, now = [f"{start}"], start
    for length, step in steps:
        count = length * 48
        parts.append(f"{now + 30 * step}+{30 * step}x{count - 1}")
        now += 30 * step * count
    return " ".join(parts)


@pytest.mark.long
@pytest.mark.parametrize(
    ("spec", "series", "left"),
    [
        # 10 % bad for two days of four: half of the budget of what came so far.
        (
            slo(BAD_RATIO, "target: 0.9", timeWindow=WEEK),
            {"shop_bad": days((2, 10), (7, 0)), "shop_all": days((9, 100))},
            ("4d", 0.5),
        ),
        # Down for one day: of the whole week, and not of what came so far.
        (
            slo(threshold("shop_up"), "op: gte, value: 1, target: 0.5", timeWindow=WEEK),
            {"shop_up": f"0x{48 - 1} 1x{8 * 48}"},
            ("3d", 1 - 1 / 7 / 0.5),
        ),
        # Two dollars a minute for three days of a week that may cost one a minute: 8,640 of 10,080.
        (
            slo(
                threshold("sum(rate(shop_usd_total[{{.window}}]))"),
                "op: lte, value: 10080, target: 0.99",
                annotations=", bongsu/indicator: spend",
                timeWindow=WEEK,
            ),
            {"shop_usd_total": days((3, 2), (6, 0))},
            ("5d", 1 - 8_640 / 10_080),
        ),
    ],
    ids=["events", "time", "money"],
)
def test_a_weeks_budget_is_counted_from_its_first_day(
    spec: str, series: dict[str, str], left: tuple[str, float], tmp_path: Path
) -> None:
    asked = [value(REMAINING, *left, parts=20), value(REMAINING, "8d", 1.0, parts=20)]
    # Samples half an hour apart, an hour between evaluations and no alerts, for speed.
    (group,) = yaml.safe_load(compiled(spec).replace("[5m]", "[2h]"))["groups"]
    rules = {"groups": [{"name": "week", "rules": [rule for rule in group["rules"] if "record" in rule]}]}
    assert play(tmp_path, yaml.safe_dump(rules), series, asked, ("30m", "1h")) == ""


MAINTENANCE = """
apiVersion: bongsu/v1
kind: Maintenance
metadata: {name: thursday}
spec:
  timeZone: Asia/Seoul
  since: 1970-01-01 00:00:00
  weekly: [{days: [thursday], from: "10:00", until: "12:00"}]
"""
OUTAGE = {
    # Nothing but failures from 1:00 to 3:00 GMT of a Thursday: 10:00 to 12:00 in Seoul.
    f"shop_bad{SERIES}": "0x60 100+100x117 11800x200",
    f"shop_all{SERIES}": growing(100),
    "shop_maintenance": "0x60 1x120 0x200",
}


@pytest.mark.parametrize(
    ("annotations", "others", "silent"),
    [
        ("", "", False),
        (", bongsu/exclude: shop_maintenance == 1", "", True),
        (", bongsu/maintenance: thursday", MAINTENANCE, True),
        pytest.param(
            ", bongsu/maintenance: thursday",
            MAINTENANCE.replace("thursday]", "friday]"),
            False,
            marks=pytest.mark.long,
        ),
        pytest.param(
            ", bongsu/maintenance: thursday",
            MAINTENANCE.replace(
                'weekly: [{days: [thursday], from: "10:00", until: "12:00"}]',
                "once: [{from: 1970-01-01 10:00:00, until: 1970-01-01 12:00:00}]",
            ),
            True,
            marks=pytest.mark.long,
        ),
    ],
    ids=["counted", "series", "weekly", "another day", "once"],
)
def test_what_fails_in_maintenance_is_neither_good_nor_bad(
    annotations: str, others: str, silent: bool, tmp_path: Path
) -> None:
    spec = slo(BAD_RATIO, annotations=annotations)
    fired = [] if silent else [{"labels": "{}", "value": 1}]
    total = 'sum_over_time(slo:sli_events:rate5m{events="total"}[5h]) > 0'
    asked = [
        {"expr": f"count(count_over_time({ALERT}[5h])) > bool 0", "eval_time": "5h", "exp_samples": fired},
        value(f"count({total})", "5h", 1),
    ]
    if silent:
        asked.append(value(f"{REMAINING}", "5h", 1.0))
    assert play(tmp_path, compiled(spec, others), UP | OUTAGE, asked) == ""
