"""Times, escalation, dependencies and silences, compiled by us, on a real Alertmanager; waits divided by 600."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bongsu.alerts.load import load
from bongsu.cli.main import main
from tests.real.support.alertmanager import alertmanager_on
from tests.real.support.stand_ins import Running, running
from tests.real.support.waiting import until

ROOT = Path(__file__).parents[2]
FACTOR = 600.0
SHIPPED = "alerts/routes.yaml"
Labels = dict[str, str]


def declaration(receiver: str) -> str:
    """Return routes with one interval that holds today and one that does not, whatever today is."""
    now = datetime.now(UTC)
    near = {(now + timedelta(days=n)).strftime("%A").lower() for n in (-1, 0, 1)}
    away = next(day for day in ("monday", "tuesday", "wednesday", "thursday", "friday") if day not in near)
    waits = {"group_by": ["alertname"], "group_wait": "0s", "group_interval": "10m", "repeat_interval": "30d"}
    hooks = ("record", "note", "lead", "today", "away")
    return json.dumps(
        {
            "apiVersion": "bongsu/v1",
            "kind": "Routes",
            "links": {"repository": "https://git.example.com", "grafana": "https://grafana.example.com"},
            "default": "always",
            "time_intervals": [
                {"name": "today", "zone": "UTC", "weekdays": sorted(near)},
                {"name": "away", "zone": "UTC", "weekdays": [away]},
            ],
            "routes": [
                {"severity": "warning", "receiver": "today", "channels": ["today"], "active": ["today"], **waits},
                {"severity": "warning", "receiver": "away", "channels": ["away"], "active": ["away"], **waits},
                {"severity": "warning", "receiver": "always", "channels": ["note"], **waits},
                {
                    "severity": "critical",
                    "receiver": "page",
                    "channels": ["record"],
                    "escalate": {"after": "30m", "receiver": "lead", "channels": ["lead"]},
                    **waits,
                },
            ],
            "dependencies": [{"service": "shop", "depends_on": ["db"]}],
            "endpoints": {
                **dict.fromkeys(("pagerduty_url", "slack_channel", "smtp_from", "smtp_to"), "x"),
                **dict.fromkeys(("pagerduty_routing_key_file", "slack_url_file"), "/x"),
                "smtp_smarthost": "127.0.0.1:25",
                "webhooks": {name: f"{receiver}/webhook/{name}" for name in hooks},
            },
        }
    )


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("receiver")
    with running("bongsu.local.receiver", "--port", "0", "--smtp-port", "0", "--folder", str(folder)) as process:
        yield process


@pytest.fixture(scope="module")
def alertmanager(receiver: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    alerts, problems = load({SHIPPED: declaration(receiver.url)})
    assert problems == []
    assert alerts.routes is not None
    folder = tmp_path_factory.mktemp("alertmanager")
    with alertmanager_on(folder, alerts.routes, alerts.routes.endpoints, FACTOR) as url:
        yield url


def send(url: str, labels: Labels, *, ended: bool = False) -> None:
    now = datetime.now(UTC)
    until_when = now - timedelta(seconds=0.1) if ended else now + timedelta(minutes=10)
    body = [
        {"labels": labels, "startsAt": (now - timedelta(seconds=0.2)).isoformat(), "endsAt": until_when.isoformat()}
    ]
    httpx.post(f"{url}/api/v2/alerts", json=body).raise_for_status()


def heard(receiver: Running, alert: str) -> set[str]:
    """Return the receivers that were told of an alert, by the name of each in Alertmanager's webhook."""
    told = httpx.get(f"{receiver.url}/notifications").json()["notifications"]
    return {
        one["body"]["receiver"]
        for one in told
        if one["channel"] == "webhook" and any(a["labels"]["alertname"] == alert for a in one["body"]["alerts"])
    }


def bongsu(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return main(["--root", str(ROOT), *argv], out, err), out.getvalue(), err.getvalue()


def test_a_route_outside_its_times_tells_nobody_and_the_others_tell(alertmanager: str, receiver: Running) -> None:
    send(alertmanager, {"alertname": "Slow", "severity": "warning", "service": "web"})
    until(lambda: heard(receiver, "Slow") >= {"today", "always"}, "both routes tell")
    send(alertmanager, {"alertname": "Later", "severity": "warning", "service": "web"})
    until(lambda: heard(receiver, "Later") >= {"today", "always"}, "both routes tell, of the next one too")
    assert heard(receiver, "Slow") == {"today", "always"}


def test_what_lasts_reaches_the_lead_and_what_ends_before_does_not(alertmanager: str, receiver: Running) -> None:
    brief = {"alertname": "Brief", "severity": "critical", "service": "web"}
    send(alertmanager, brief)
    until(lambda: heard(receiver, "Brief") == {"page"}, "the page, and not yet the lead")
    send(alertmanager, brief, ended=True)
    send(alertmanager, {"alertname": "Lasting", "severity": "critical", "service": "web"})
    until(lambda: heard(receiver, "Lasting") == {"page", "lead"}, "the lead hears what lasts")
    assert heard(receiver, "Brief") == {"page"}


def test_a_page_of_what_is_depended_on_silences_the_dependant(alertmanager: str, receiver: Running) -> None:
    send(alertmanager, {"alertname": "DbDown", "severity": "critical", "service": "db"})
    until(lambda: "page" in heard(receiver, "DbDown"), "the page of the database")
    send(alertmanager, {"alertname": "ShopDown", "severity": "critical", "service": "shop"})
    send(alertmanager, {"alertname": "WebDown", "severity": "critical", "service": "web"})
    until(lambda: "page" in heard(receiver, "WebDown"), "the page of what does not depend on it")
    assert heard(receiver, "ShopDown") == set()
    states = httpx.get(f"{alertmanager}/api/v2/alerts").json()
    (shop,) = [one for one in states if one["labels"]["alertname"] == "ShopDown"]
    assert shop["status"]["inhibitedBy"]


def test_a_silence_holds_is_listed_with_its_reason_and_ends(alertmanager: str, receiver: Running) -> None:
    where = ("--alertmanager", alertmanager)
    labels = {"alertname": "WalLag", "severity": "warning", "service": "web", "repository": "b"}
    code, out, err = bongsu(
        "silence", "WalLag", "repository=b", "--for", "2h", "--why", "moving b", "--author", "minji", *where
    )
    assert code == 0, err
    silence = out.splitlines()[0].rpartition(" ")[2]
    send(alertmanager, labels)
    send(alertmanager, {**labels, "alertname": "Other"})
    until(lambda: "always" in heard(receiver, "Other"), "another alert is told")
    assert heard(receiver, "WalLag") == set()
    code, out, _ = bongsu("silence", "--list", *where)
    assert re.search(rf"{silence}  active, (?:2h|1h59m)", out), out
    assert "alertname=WalLag, repository=b  by minji: moving b" in out
    assert bongsu("silence", "--end", silence, *where)[:2] == (0, f"ended {silence}\n")
    assert bongsu("silence", "--list", *where)[:2] == (0, "")
    until(lambda: "always" in heard(receiver, "WalLag"), "told once the silence is over")


def test_a_silence_without_reason_or_end_or_alert_is_not_made(alertmanager: str) -> None:
    where = ("--alertmanager", alertmanager)
    for wrong in (
        ("WalLag", "--for", "2h"),
        ("WalLag", "--why", "x"),
        ("WalLag", "--for", "30d", "--why", "x"),
        ("WalLags", "--for", "2h", "--why", "x"),
        (),
    ):
        assert bongsu("silence", *wrong, *where)[0] == 2, wrong
    assert bongsu("silence", "--end", "00000000-0000-0000-0000-000000000000", *where)[0] == 1
    assert bongsu("silence", "--list", "--alertmanager", "http://127.0.0.1:9")[0] == 3
