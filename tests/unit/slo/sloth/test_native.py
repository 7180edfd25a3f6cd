"""Sloth's documents, compiled by our own compiler: names and labels are kept, alerts route as ours do."""

from __future__ import annotations

from pathlib import Path

import promql_parser
import pytest

from bongsu.slo.compile import compile_slo
from bongsu.slo.load import load
from bongsu.slo.model import Ratio, Raw, Slos
from bongsu.slo.rules import Alerting, Group, Links

GOLDENS = Path(__file__).parents[3] / "golden/sloth"
LINKS = Links("https://git.example.com/x", "https://grafana.example.com")


def slos_of(case: str) -> Slos:
    slos, problems = load({f"slo/{case}.yaml": (GOLDENS / f"{case}.yaml").read_text(encoding="utf-8")})
    assert problems == []
    return slos


def groups_of(case: str) -> list[Group]:
    return [compile_slo(slo, windows, LINKS) for slo, windows in slos_of(case).watched()]


def alert(case: str, severity: str) -> Alerting:
    return next(one for group in groups_of(case) for one in group.alerts() if one.labels["severity"] == severity)


def test_pages_are_critical_tickets_are_warnings_and_our_labels_route() -> None:
    page, ticket = alert("01-ratio", "critical"), alert("01-ratio", "warning")
    assert (page.alert, page.labels["service"]) == ("OrdersRefused", "checkout")
    assert {key: page.labels[key] for key in ("squad", "criticality", "kind", "pager")} == {
        "squad": "payments",
        "criticality": "1",
        "kind": "availability",
        "pager": "payments",
    }
    assert ticket.labels["channel"] == "#payments"
    assert "pager" not in ticket.labels


def test_the_labels_of_a_spec_stand_on_every_series() -> None:
    (group,) = groups_of("01-ratio")
    assert all(rule.labels["squad"] == "payments" for rule in group.rules)
    assert all("pager" not in rule.labels for rule in group.rules if not isinstance(rule, Alerting))


def test_the_authors_summary_stays_and_the_korean_one_is_ours() -> None:
    notes = alert("01-ratio", "critical").annotations
    assert notes["summary"] == "Customers' orders are refused"
    assert notes["summary_ko"].startswith("orders-accepted: ")
    assert notes["runbook_url"] == "https://git.example.com/x/runbooks/OrdersRefused.md"


def test_a_runbook_that_the_spec_names_is_the_link() -> None:
    assert alert("03-latency", "critical").annotations["runbook_url"] == "https://wiki.example.com/runbooks/gateway"


def test_a_disabled_alert_has_no_tiers_and_its_recordings_stay() -> None:
    (group,) = groups_of("04-no-alerts")
    assert group.alerts() == ()
    assert "slo:period_error_budget_remaining:ratio" in group.records()
    text = (GOLDENS / "01-ratio.yaml").read_text(encoding="utf-8")
    slos = load({"slo/x.yaml": text.replace("      ticket_alert:\n", "      ticket_alert:\n        disable: true\n")})[
        0
    ]
    assert {tier.severity for tier in slos.tiers(slos.slos[0])} == {"critical"}


def test_errors_are_our_bad_events_and_a_good_query_stays_one() -> None:
    (events,) = slos_of("01-ratio").slos
    assert isinstance(events.indicator, Ratio)
    assert events.indicator.bad is not None
    assert (events.objective, events.period, events.spec) == (0.9995, "30d", "prometheus/v1")
    assert "outcome=~" in events.indicator.bad.text
    indicators = [slo.indicator for slo in slos_of("07-openslo").slos]
    assert [isinstance(one, Ratio) and one.good is not None and one.bad is None for one in indicators] == [True, True]


def test_a_raw_ratio_is_a_share_of_errors_that_somebody_else_computed() -> None:
    (slo,) = slos_of("02-raw").slos
    assert isinstance(slo.indicator, Raw)
    assert not slo.indicator.success
    assert slo.indicator.query.text.startswith("1 - (")


def test_a_service_that_only_sloth_names_is_declared_by_it_once() -> None:
    text = (GOLDENS / "05-documents.yaml").read_text(encoding="utf-8")
    own = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: refunds, displayName: Refunds}\nspec: {}\n"
    slos, problems = load({"slo/a.yaml": text, "slo/b.yaml": own})
    assert problems == []
    assert [(service.name, service.title) for service in slos.services] == [
        ("checkout", "checkout"),
        ("refunds", "Refunds"),
    ]


@pytest.mark.parametrize("case", sorted(path.stem for path in GOLDENS.glob("*.yaml")))
def test_every_rule_is_promql_and_no_group_has_more_than_17(case: str) -> None:
    for group in groups_of(case):
        assert len(group.rules) <= 17
        for rule in group.rules:
            promql_parser.parse(rule.expr)
