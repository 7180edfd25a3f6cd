from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import promql_parser
import pytest

from bongsu.alerts.compile import compile_alert, compile_alerts, threshold_text
from bongsu.alerts.load import load
from bongsu.alerts.model import Alert
from bongsu.core.promql import windows
from bongsu.slo.rules import Links

FOLDER = Path(__file__).parents[3] / "alerts"
TEXTS = {p.name: p.read_text(encoding="utf-8") for p in FOLDER.glob("*.yaml")}
ALERTS = {a.name: a for a in load(TEXTS)[0].alerts}
LINKS = Links("https://git.example.com/x", "https://grafana.example.com")
EACH = pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS.keys())


@EACH
def test_each_level_is_a_rule_of_the_same_name_the_worst_first(alert: Alert) -> None:
    rules = compile_alert(alert, LINKS).alerts()
    assert [rule.alert for rule in rules] == [alert.name] * len(alert.levels)
    assert [rule.labels["severity"] for rule in rules] == [level.severity for level in alert.levels]
    for rule in rules:
        assert rule.labels["service"] == "research-assistant"
        assert rule.labels["rule"] == alert.rule


@EACH
@pytest.mark.parametrize("factor", [1.0, 13.0, 60.0])
def test_every_expression_is_promql_at_any_time_factor(alert: Alert, factor: float) -> None:
    for rule in compile_alert(alert, LINKS, factor).alerts():
        promql_parser.parse(rule.expr)


@EACH
def test_a_time_factor_divides_windows_and_holds_and_nothing_else(alert: Alert) -> None:
    for slow, fast in zip(compile_alert(alert, LINKS).alerts(), compile_alert(alert, LINKS, 60).alerts(), strict=True):
        assert windows(fast.expr) == [window / 60 for window in windows(slow.expr)]
        assert fast.hold == slow.hold / 60
        assert fast.keep == slow.keep / 60
        assert fast.labels == slow.labels


@EACH
def test_every_annotation_is_there_in_both_languages(alert: Alert) -> None:
    for rule in compile_alert(alert, LINKS).alerts():
        notes = rule.annotations
        assert all(notes[key] for key in ("summary", "description", "summary_ko", "description_ko"))
        assert notes["runbook_url"] == f"https://git.example.com/x/runbooks/{alert.name}.md"
        assert notes["dashboard_url"].startswith("https://grafana.example.com/d/research-assistant?viewPanel=")
        assert f"alert='{alert.name}'" in notes["last_proof"]
        assert "{{." not in "".join(notes.values()).replace("{{ .", "")


def test_what_goes_on_firing_says_so_in_its_rule_alone() -> None:
    compiled = compile_alerts(ALERTS.values(), LINKS, 60)
    assert [name for name, text in compiled.items() if "keep_firing_for" in text] == [
        "alerts-ProcessRestarting.rules.yml"
    ]
    assert "        keep_firing_for: 5s\n        labels:\n" in compiled["alerts-ProcessRestarting.rules.yml"]


def test_the_counts_by_kind_are_compressed_too() -> None:
    production, proof = (
        compile_alert(ALERTS["ErrorsHigh"], LINKS, f).alerts()[0].annotations["detail"] for f in (1.0, 60.0)
    )
    assert "[1h]" in production
    assert proof == production.replace("[1h]", "[1m]")


def test_an_explicit_runbook_is_the_one_that_is_linked() -> None:
    (rule,) = compile_alert(replace(ALERTS["ProofStale"], runbook="runbooks/Shared.md"), LINKS).alerts()
    assert rule.annotations["runbook_url"] == "https://git.example.com/x/runbooks/Shared.md"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.95, "percentunit", "95%"),
        (0.999, "percentunit", "99.9%"),
        (10, "s", "10s"),
        (2592000, "s", "30d"),
        (50, "short", "50"),
        (1.5, "currencyUSD", "$1.5"),
    ],
)
def test_a_threshold_reads_as_people_say_it(value: float, unit: str, text: str) -> None:
    assert threshold_text(value, unit) == text


def test_the_order_of_files_does_not_matter() -> None:
    backwards = dict(sorted(TEXTS.items(), reverse=True))
    assert compile_alerts(load(TEXTS)[0].alerts, LINKS) == compile_alerts(load(backwards)[0].alerts, LINKS)
