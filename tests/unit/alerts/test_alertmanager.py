from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bongsu.alerts.alertmanager import compile_alertmanager, compile_template
from bongsu.alerts.load import load
from bongsu.alerts.model import Routes

TEXT = (Path(__file__).parents[3] / "alerts/routes.yaml").read_text(encoding="utf-8")


@pytest.fixture(name="routes", scope="module")
def _routes() -> Routes:
    routes = load({"alerts/routes.yaml": TEXT})[0].routes
    assert routes is not None
    return routes


def compiled(routes: Routes, factor: float = 1.0, *, heartbeat: str = "") -> dict[str, Any]:
    endpoints = replace(routes.endpoints, heartbeat_url=heartbeat)
    config: dict[str, Any] = yaml.safe_load(compile_alertmanager(routes, endpoints, factor))
    return config


def test_the_heartbeat_goes_to_the_watcher_before_any_other_route_and_to_nobody_else(routes: Routes) -> None:
    config = compiled(routes, heartbeat="http://watch/heartbeat")
    first = config["route"]["routes"][0]
    assert (first["matchers"], first["receiver"]) == (['alertname="Watchdog"'], "watchdog")
    (receiver,) = [one for one in config["receivers"] if one["name"] == "watchdog"]
    assert [one["url"] for one in receiver["webhook_configs"]] == ["http://watch/heartbeat"]
    assert config["route"]["routes"][1:] == compiled(routes)["route"]["routes"]


def test_one_incident_is_one_page_because_critical_groups_by_service_alone(routes: Routes) -> None:
    pages = [route for route in compiled(routes)["route"]["routes"] if route["receiver"] == "page"]
    assert [route["group_by"] for route in pages] == [["service"]]


def test_every_channel_tells_when_it_is_over(routes: Routes) -> None:
    for receiver in compiled(routes)["receivers"]:
        for kind in receiver.keys() - {"name"}:
            assert all(config["send_resolved"] is True for config in receiver[kind]), receiver["name"]


def test_a_page_goes_to_the_phone_and_to_the_record(routes: Routes) -> None:
    page = next(receiver for receiver in compiled(routes)["receivers"] if receiver["name"] == "page")
    assert page.keys() == {"name", "pagerduty_configs", "webhook_configs"}


def test_secrets_are_files_and_never_values(routes: Routes) -> None:
    text = compile_alertmanager(routes, routes.endpoints)
    assert "routing_key_file" in text
    assert "routing_key:" not in text
    assert "auth_password:" not in text
    assert "api_url:" not in text


def test_a_mail_server_without_account_gets_no_account(routes: Routes) -> None:
    endpoints = replace(routes.endpoints, smtp_username="", smtp_password_file="", smtp_require_tls=False)
    text = compile_alertmanager(routes, endpoints)
    assert "auth_" not in text
    assert "require_tls: false" in text


def test_a_time_factor_divides_every_wait(routes: Routes) -> None:
    for slow, fast in zip(compiled(routes)["route"]["routes"], compiled(routes, 60)["route"]["routes"], strict=True):
        assert fast["matchers"] == slow["matchers"]
        assert fast["group_interval"] != slow["group_interval"]
    escalation, page, *_ = compiled(routes, 60)["route"]["routes"]
    assert (page["group_interval"], page["group_wait"]) == ("500ms", "0s")
    assert escalation["group_wait"] == "30s"


def test_a_receiver_of_two_severities_has_the_channels_of_both(routes: Routes) -> None:
    all_to_one = tuple(replace(route, receiver="all", escalate=None) for route in routes.routes)
    both = replace(routes, routes=all_to_one, default="all")
    (receiver,) = compiled(both)["receivers"]
    assert len(receiver["webhook_configs"]) == 2


def test_the_template_says_that_it_is_generated() -> None:
    assert compile_template("alerts/routes.yaml").startswith(
        "{{/* DO NOT EDIT: compiled by `bongsu compile` from alerts/"
    )
