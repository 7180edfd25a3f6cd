from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bongsu.alerts.alertmanager import compile_alertmanager
from bongsu.alerts.load import load
from bongsu.alerts.model import Routes
from bongsu.alerts.simulate import matches, visits

FILE = "alerts/routes.yaml"
TEXT = (Path(__file__).parents[3] / "tests/golden/world" / FILE).read_text(encoding="utf-8")
TICKET = (
    "{severity: warning, receiver: ticket, channels: [note], group_by: [service], "
    "group_wait: 0s, group_interval: 30s, repeat_interval: 1h"
)


def routes(extra: str, hook: str = "", top: str = "") -> Routes:
    """Return the routes of the small world with more on its ticket route, one webhook, and more at the top."""
    text = TEXT.replace(f"{TICKET}}}", f"{TICKET}{extra}}}").replace('/note"}', f'/note"{hook}}}') + top
    found, problems = load({FILE: text})
    assert problems == []
    assert found.routes is not None
    return found.routes


def compiled(found: Routes, factor: float = 1.0) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(compile_alertmanager(found, found.endpoints, factor))
    return config


def test_a_route_of_two_services_takes_exactly_these() -> None:
    config = compiled(routes(", services: [shop, db.main]"))
    ticket = config["route"]["routes"][1]["matchers"]
    for service, taken in (("shop", True), ("db.main", True), ("dbxmain", False), ("shop2", False), ("", False)):
        assert matches(ticket, {"severity": "warning", "service": service}) is taken


def test_a_route_with_times_passes_alerts_on() -> None:
    zone = 'time_intervals: [{name: night, zone: Asia/Seoul, times: ["22:00-24:00"]}]\n'
    ticket = compiled(routes(", mute: [night]", top=zone))["route"]["routes"][1]
    assert (ticket["continue"], ticket["mute_time_intervals"]) == (True, ["night"])


def test_an_escalation_stands_before_its_route_and_waits_longer() -> None:
    found = routes(", escalate: {after: 30m, receiver: lead, channels: [note]}")
    _, lead, ticket = compiled(found, 60)["route"]["routes"]
    assert (lead["receiver"], lead["continue"], lead["group_wait"]) == ("lead", True, "30s")
    assert "continue" not in ticket
    names = [visit.receiver for visit in visits(compiled(found), {"severity": "warning"})]
    assert names == ["lead", "ticket"]


def test_a_webhook_of_ones_own_carries_its_token_from_a_file() -> None:
    found = routes(
        ", escalate: {after: 1m, receiver: sms, channels: [sms]}",
        hook=', sms: {url: "https://sms.example.com", credentials_file: /secrets/sms}',
    )
    (hook,) = next(one for one in compiled(found)["receivers"] if one["name"] == "sms")["webhook_configs"]
    assert hook["url"] == "https://sms.example.com"
    assert hook["http_config"]["authorization"] == {"type": "Bearer", "credentials_file": "/secrets/sms"}


def test_an_sms_by_sns_has_no_secret_in_it() -> None:
    found = routes(
        ", escalate: {after: 1m, receiver: sms, channels: [sns]}",
        top="  sns_region: ap-northeast-2\n  sns_phone_number: '+821012345678'\n",
    )
    (sms,) = next(one for one in compiled(found)["receivers"] if one["name"] == "sms")["sns_configs"]
    assert sms["sigv4"] == {"region": "ap-northeast-2"}
    assert sms["phone_number"] == "+821012345678"


def test_a_receiver_may_have_an_address_of_its_own() -> None:
    found = routes(
        ", escalate: {after: 1m, receiver: lead, channels: [email]}", top="receivers: {lead: {smtp_to: lead@shop}}\n"
    )
    (mail,) = next(one for one in compiled(found)["receivers"] if one["name"] == "lead")["email_configs"]
    assert mail["to"] == "lead@shop"


@pytest.mark.parametrize(("service", "receiver"), [("shop", "ticket"), ("other", "ticket")])
def test_what_no_route_asks_for_more_stays_as_it_was(service: str, receiver: str) -> None:
    (visit,) = visits(compiled(routes("")), {"severity": "warning", "service": service})
    assert visit.receiver == receiver
