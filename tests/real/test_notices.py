"""What a person reads on the phone, in the chat and in the mail: the page and its resolution, in both languages.

The rule's own annotations go through the real Alertmanager with the compiled configuration to the local receiver.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bongsu.cli.catalogue import load_catalogue
from bongsu.slo.compile import compile_slo
from bongsu.stack.endpoints import ROUTING_KEY, local_endpoints, slack_url_file
from bongsu.stack.home import Home
from bongsu.stack.secretfiles import ensure_secret
from tests.real.support.alertmanager import alertmanager_on
from tests.real.support.stand_ins import Running, running
from tests.real.support.waiting import until

CATALOGUE = load_catalogue(Path(__file__).parents[2])
FACTOR = 60.0
Said = dict[str, str]


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("receiver")
    with running("bongsu.local.receiver", "--port", "0", "--smtp-port", "0", "--folder", str(folder)) as process:
        yield process


@pytest.fixture(scope="module")
def alertmanager(receiver: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    routes = CATALOGUE.alerts.routes
    assert routes is not None
    folder = tmp_path_factory.mktemp("alertmanager")
    home = Home(folder, "proof", "notices")
    home.secrets.mkdir(parents=True)
    ensure_secret(home.secrets, ROUTING_KEY)
    slack_url_file(home).write_text(f"{receiver.url}/slack", encoding="utf-8")
    endpoints = local_endpoints({"receiver": receiver.url, "receiver-smtp": receiver.ready["smtp"]}, home)
    with alertmanager_on(folder, routes, endpoints, FACTOR) as url:
        yield url


def send(url: str, severity: str, *, ended: bool) -> Said:
    """Send the alert of a compiled rule as Prometheus would, its value filled in; return its annotations and tier."""
    slo, windows = next((s, w) for s, w in CATALOGUE.slos.watched() if s.alert == "AnswersBudgetBurn")
    assert CATALOGUE.alerts.routes is not None
    rules = compile_slo(slo, windows, CATALOGUE.alerts.routes.links).alerts()
    rule = next(rule for rule in rules if rule.labels["severity"] == severity)
    said = {key: text.replace("{{ $value | humanizePercentage }}", "61.8%") for key, text in rule.annotations.items()}
    said["last_proof"] = "2026-11-28"
    now = datetime.now(UTC)
    alert = {
        "labels": {"alertname": rule.alert, **rule.labels},
        "annotations": said,
        "startsAt": (now - timedelta(minutes=1)).isoformat(),
        "endsAt": (now - timedelta(seconds=1) if ended else now + timedelta(minutes=10)).isoformat(),
    }
    httpx.post(f"{url}/api/v2/alerts", json=[alert]).raise_for_status()
    return {**said, "tier": rule.labels.get("tier", "")}


def arrived(receiver: Running, channel: str, *words: str) -> str:
    """Return the first notification of a channel that holds all words, as text a person would read.

    A page nobody answers is mailed too, so a mail is known by what it says and not by its alert's name.
    """

    def found() -> str:
        for one in httpx.get(f"{receiver.url}/notifications").json()["notifications"]:
            text = json.dumps(one["body"], ensure_ascii=False).replace("\\n", "\n")
            if one["channel"] == channel and all(word in text for word in words):
                return text
        return ""

    return until(found, f"{words} by {channel}")


def test_the_page_says_in_both_languages_what_is_wrong_and_that_it_is_over(
    alertmanager: str, receiver: Running
) -> None:
    said = send(alertmanager, "critical", ended=False)
    page = arrived(receiver, "pagerduty", "[FIRING / 발생 1]")
    for key in ("summary", "description", "summary_ko", "description_ko", "runbook_url", "dashboard_url", "last_proof"):
        assert said[key] in page, key
    send(alertmanager, "critical", ended=True)
    assert "AnswersBudgetBurn" in arrived(receiver, "pagerduty", '"event_action": "resolve"')


@pytest.mark.parametrize("channel", ["slack", "email"])
def test_the_ticket_says_it_in_the_chat_and_in_the_mail(alertmanager: str, receiver: Running, channel: str) -> None:
    said = send(alertmanager, "warning", ended=False)
    text = arrived(receiver, channel, "[FIRING / 발생 1]", said["summary"])
    for key in ("summary_ko", "description_ko", "runbook_url"):
        assert said[key] in text, key
    send(alertmanager, "warning", ended=True)
    assert arrived(receiver, channel, "[RESOLVED / 해소]", f"- AnswersBudgetBurn {said['tier']}")
