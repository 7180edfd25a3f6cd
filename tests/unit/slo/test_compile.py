from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import promql_parser
import pytest

from bongsu.core.diagnostics import Span
from bongsu.core.promql import Expression, windows
from bongsu.slo.compile import compile_slo, compile_slos
from bongsu.slo.load import load
from bongsu.slo.model import Ratio, Slo, Slos
from bongsu.slo.rules import Alerting, Group, Links
from bongsu.slo.windows import fit, load_rules

TEXT = (Path(__file__).parents[3] / "slo/research-assistant.yaml").read_text(encoding="utf-8")
LINKS = Links("https://git.example.com/x", "https://grafana.example.com")
SLOS: Slos = load({"slo/x.yaml": TEXT})[0]
SLO: Slo = SLOS.slos[0]


def group(slo: Slo = SLO, factor: float = 1.0) -> Group:
    return compile_slo(slo, fit(load_rules(), slo.period, slo.objective, slo.events), LINKS, factor)


def burns() -> list[Alerting]:
    return [alert for alert in group().alerts() if alert.alert == SLO.alert]


def test_the_records_are_sloths_and_stand_before_the_alerts_in_one_group_of_17() -> None:
    made = group()
    assert made.name == "bongsu-slo-research-assistant-answers-succeed"
    assert made.records() == (
        "slo:sli_events:rate5m",
        "slo:sli_events:rate5m",
        "slo:sli_events:rate1h",
        "slo:sli_error:ratio_rate5m",
        "slo:sli_error:ratio_rate30d",
        "slo:objective:ratio",
        "slo:error_budget:ratio",
        "slo:time_period:days",
        "slo:current_burn_rate:ratio",
        "slo:period_burn_rate:ratio",
        "slo:period_error_budget_remaining:ratio",
        "sloth_slo_info",
    )
    assert made.rules[len(made.records()) :] == made.alerts()
    assert [alert.alert for alert in made.alerts()] == ["AnswersBudgetBurn"] * 4 + ["SliAbsent"]
    assert len(made.rules) == 17


def test_only_the_two_base_recordings_read_the_systems_own_series() -> None:
    made = group()
    readers = [rule for rule in made.rules if "bongsu_events_total" in rule.expr]
    assert readers == [*made.rules[:2]]


def test_every_tier_is_a_rule_of_one_name_without_for() -> None:
    found = [
        (a.alert, a.labels["tier"], a.labels["severity"], a.labels["short"], a.labels["long"], a.hold) for a in burns()
    ]
    assert found == [
        ("AnswersBudgetBurn", "fast", "critical", "5m", "10m", 0.0),
        ("AnswersBudgetBurn", "slow", "critical", "30m", "6h", 0.0),
        ("AnswersBudgetBurn", "day", "warning", "2h", "1d", 0.0),
        ("AnswersBudgetBurn", "days", "warning", "6h", "3d", 0.0),
    ]


def test_windows_of_one_length_are_compared_once() -> None:
    fast = group(replace(SLO, objective=0.9)).alerts()[0]
    assert (fast.labels["short"], fast.labels["long"]) == ("5m", "5m")
    assert fast.expr.count("> (5.5 * 0.1)") == 1
    assert "over 5m;" in fast.annotations["description"]


def test_a_tier_waits_for_bad_events_unless_told_not_to() -> None:
    assert group().alerts()[0].expr.endswith("[10m:15s]) * 15 > 4.5")
    assert group(factor=60.0).alerts()[0].expr.endswith("[10s:250ms]) * 0.25 > 4.5")
    assert "and ignoring (events)" not in group(replace(SLO, events=0)).alerts()[0].expr


@pytest.mark.parametrize("factor", [1.0, 7.0, 60.0])
def test_every_expression_is_promql_at_any_time_factor(factor: float) -> None:
    for rule in group(factor=factor).rules:
        promql_parser.parse(rule.expr)


def test_a_time_factor_divides_windows_and_leaves_names_labels_and_thresholds() -> None:
    for slow, fast in zip(group().rules, group(factor=60.0).rules, strict=True):
        assert windows(fast.expr) == [window / 60 for window in windows(slow.expr)]
        assert fast.labels == slow.labels
        assert type(fast) is type(slow)
    assert group(factor=60.0).records() == group().records()
    assert "> (14.4 * 0.01)" in group(factor=60.0).alerts()[0].expr


def test_thresholds_are_exact_decimals() -> None:
    made = group(replace(SLO, objective=0.999))
    assert "> (14.4 * 0.001)" in made.alerts()[0].expr
    assert next(r.expr for r in made.rules if r.expr.startswith("vector(0.0")) == "vector(0.001)"


def test_a_promise_of_good_events_counts_the_rest_as_bad() -> None:
    good = Expression("sum(rate(ok[{{.window}}]))", Span("f"))
    total = Expression("a + avg_over_time(b[{{.window}}]) # note", Span("f"))
    made = group(replace(SLO, indicator=Ratio(total, good=good)))
    assert made.rules[0].expr == (
        f"(a + avg_over_time(b[5m]))\n-\n(\nsum({counted('ok')})\nor\n0 * (a + avg_over_time(b[5m]))\n)"
    )


def counted(metric: str) -> str:
    born = f"(({metric} unless {metric} offset 5m) and on (job, instance) (up offset 5m == 1))"
    return f"((rate({metric}[5m]) unless {born}) or {born} / 300)"


def test_every_alert_says_what_happened_in_both_languages_and_where_to_look() -> None:
    for alert in burns():
        assert list(alert.annotations) == [
            "summary",
            "description",
            "summary_ko",
            "description_ko",
            "runbook_url",
            "dashboard_url",
            "last_proof",
        ]
        assert alert.annotations["runbook_url"] == "https://git.example.com/x/runbooks/AnswersBudgetBurn.md"
        assert alert.annotations["last_proof"].startswith("{{ with query ")
    assert "more than 14.4% over 5m and 10m" in group().alerts()[0].annotations["description"]


def test_same_slos_same_bytes() -> None:
    once, again = (compile_slos(load({"slo/x.yaml": TEXT})[0], LINKS) for _ in range(2))
    assert list(once) == ["slo-research-assistant-answers-succeed.rules.yml"]
    assert once == again
