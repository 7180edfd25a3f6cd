from __future__ import annotations

import pytest

from bongsu.alerts.dependencies import circle, compile_dependency
from bongsu.alerts.model import Dependency, Inhibition
from bongsu.alerts.simulate import silences
from bongsu.core.diagnostics import Span

SERVICES = {"DbDown": "db", "ShopDown": "shop", "ShopSlow": "shop"}
SEVERITIES = [Inhibition("critical", "warning", ("alertname", "service"))]


def on(*names: str, service: str = "", alerts: tuple[str, ...] = ()) -> Dependency:
    return Dependency(service, alerts, names, (), Span("f"))


def labels(name: str, severity: str = "critical") -> dict[str, str]:
    return {"alertname": name, "service": SERVICES[name], "severity": severity}


def test_a_page_of_what_is_depended_on_silences_every_severity_of_the_dependant() -> None:
    (rule,) = compile_dependency(on("db", service="shop"))
    assert silences(rule, labels("DbDown"), labels("ShopDown"))
    assert silences(rule, labels("DbDown"), labels("ShopSlow", "warning"))


def test_a_ticket_silences_no_dependant_and_a_dependant_nothing() -> None:
    (rule,) = compile_dependency(on("db", service="shop"))
    assert not silences(rule, labels("DbDown", "warning"), labels("ShopDown"))
    assert not silences(rule, labels("ShopDown"), labels("DbDown"))


def test_an_alert_that_silences_its_own_service_never_silences_itself() -> None:
    (rule,) = compile_dependency(on("ShopDown", service="shop"))
    assert silences(rule, labels("ShopDown"), labels("ShopSlow"))
    assert not silences(rule, labels("ShopDown"), labels("ShopDown"))
    assert not silences(rule, labels("ShopDown"), labels("ShopDown", "warning"))


def test_services_and_alerts_in_one_list_are_two_rules() -> None:
    assert len(compile_dependency(on("db", "ShopDown", service="shop"))) == 2


@pytest.mark.parametrize(
    ("dependencies", "named"),
    [
        ([on("db", service="shop"), on("shop", service="db")], {"db", "shop"}),
        ([on("a", service="b"), on("b", service="c"), on("c", service="a")], {"a", "b", "c"}),
        ([on("ShopDown", service="shop"), on("ShopSlow", service="shop")], {"ShopDown", "ShopSlow"}),
        ([on("db", service="shop"), on("ShopDown", alerts=("DbDown",))], {"DbDown", "ShopDown"}),
    ],
)
def test_a_circle_is_found_across_services_and_alerts(dependencies: list[Dependency], named: set[str]) -> None:
    found = circle(SEVERITIES, dependencies, SERVICES)
    assert found
    assert found[0] == found[-1]
    assert {kind.name or kind.service for kind in found} & named


@pytest.mark.parametrize(
    "dependencies",
    [
        [],
        [on("db", service="shop")],
        [on("ShopDown", service="shop")],
        [on("ShopDown", "ShopSlow", service="shop")],
        [on("db", service="shop"), on("shop", service="web"), on("db", service="web")],
        [on("db", service="shop"), on("DbDown", service="db")],
    ],
)
def test_a_chain_is_no_circle(dependencies: list[Dependency]) -> None:
    assert circle(SEVERITIES, dependencies, SERVICES) == []


def test_severities_that_silence_each_other_are_a_circle() -> None:
    both = [*SEVERITIES, Inhibition("warning", "critical", ("alertname",))]
    assert circle(both, [], {})
