"""The notification receiver as a process."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.real.support.stand_ins import Running, run_to_end, running, stop

MODULE = "bongsu.local.receiver"
KEY = "0123456789abcdef0123456789abcdef"
WEBHOOK: dict[str, Any] = {
    "version": "4",
    "groupKey": '{}:{service="research-assistant"}',
    "status": "firing",
    "alerts": [
        {"status": "firing", "labels": {"alertname": "A"}, "annotations": {"summary": "응답 오류율이 높습니다 🔥"}}
    ],
}


def arguments(folder: Path, *more: str) -> list[str]:
    return ["--port", "0", "--smtp-port", "0", "--folder", str(folder), *more]


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Running]:
    with running(MODULE, *arguments(tmp_path)) as process:
        yield process


def enqueue(receiver: Running, action: str = "trigger", key: str | None = "k1", **changes: Any) -> httpx.Response:
    payload = {"summary": "LLM 오류", "source": "bongsu", "severity": "critical"}
    event = {"routing_key": KEY, "event_action": action, "dedup_key": key, "payload": payload, **changes}
    return httpx.post(f"{receiver.url}/pagerduty/v2/enqueue", json=event)


def notifications(receiver: Running, since: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{receiver.url}/notifications", params={"since": since}).json()[
        "notifications"
    ]
    return found


def deliveries(receiver: Running) -> list[tuple[str, str, str]]:
    found = httpx.get(f"{receiver.url}/deliveries").json()["deliveries"]
    return [(one["channel"], one["dedup_key"], one["summary"]) for one in found]


def send_mail(receiver: Running, subject: str, text: str) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "am@localhost", "ops@localhost"
    message.set_content(text)
    host, _, port = receiver.ready["smtp"].partition(":")
    with smtplib.SMTP(host, int(port), timeout=10) as smtp:
        smtp.send_message(message)


def test_one_incident_rings_once_until_it_is_resolved(receiver: Running) -> None:
    accepted = enqueue(receiver)
    assert accepted.status_code == 202
    assert accepted.json() == {"status": "success", "message": "Event processed", "dedup_key": "k1"}
    enqueue(receiver)
    assert deliveries(receiver) == [("sms", "k1", "LLM 오류"), ("phone", "k1", "LLM 오류")]
    enqueue(receiver, "resolve")
    enqueue(receiver)
    assert len(deliveries(receiver)) == 4


def test_a_trigger_without_a_dedup_key_gets_one(receiver: Running) -> None:
    given = enqueue(receiver, key=None).json()["dedup_key"]
    assert len(given) == 32
    assert notifications(receiver)[0]["body"]["dedup_key"] == given


def test_a_wrong_event_is_refused_and_not_recorded(receiver: Running) -> None:
    refused = enqueue(receiver, routing_key="short")
    assert refused.status_code == 400
    assert refused.json() == {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": ["Length of 'routing_key' is incorrect (should be 32 characters)"],
    }
    assert httpx.post(f"{receiver.url}/pagerduty/v2/enqueue", content=b"{").status_code == 400
    assert notifications(receiver) == []


def test_texts_arrive_as_they_were_sent(receiver: Running) -> None:
    slack = {"channel": "#ops", "attachments": [{"title": "[경고] <지연>", "text": "p95 > 10s & 상승 중\n둘째 줄"}]}
    assert httpx.post(f"{receiver.url}/slack", json=slack).text == "ok"
    assert httpx.post(f"{receiver.url}/webhook/journal", json=WEBHOOK).status_code == 200
    send_mail(receiver, "[위험] 응답 없음 🔥", "첫째 줄\n둘째 줄\n")
    first, second, third = notifications(receiver)
    assert (first["channel"], first["name"], first["body"]) == ("slack", "#ops", slack)
    assert (second["channel"], second["name"], second["body"]) == ("webhook", "journal", WEBHOOK)
    assert (third["channel"], third["name"]) == ("email", "ops@localhost")
    assert third["body"]["subject"] == "[위험] 응답 없음 🔥"
    assert third["body"]["text"].replace("\r\n", "\n") == "첫째 줄\n둘째 줄\n"
    assert [one["seq"] for one in notifications(receiver, since=1)] == [2, 3]
    assert first["at"] <= second["at"] <= third["at"]


def test_what_is_no_message_is_refused_in_each_channels_words(receiver: Running) -> None:
    assert httpx.post(f"{receiver.url}/slack", content=b"hi").text == "invalid_payload"
    assert httpx.post(f"{receiver.url}/slack", json={}).text == "no_text"
    assert httpx.post(f"{receiver.url}/webhook/x", json={**WEBHOOK, "version": "3"}).status_code == 400
    assert httpx.post(f"{receiver.url}/webhook/x", content=b"x" * (2 * 1024 * 1024)).status_code == 413
    assert httpx.get(f"{receiver.url}/notifications", params={"since": "yesterday"}).status_code == 400
    assert notifications(receiver) == []


def test_a_mail_that_is_too_long_is_refused(receiver: Running) -> None:
    with pytest.raises(smtplib.SMTPException):
        send_mail(receiver, "long", "x" * 70 + ("\n" + "x" * 70) * 20_000)
    assert notifications(receiver) == []


def test_the_record_survives_a_kill(tmp_path: Path) -> None:
    with running(MODULE, *arguments(tmp_path)) as first:
        enqueue(first)
        httpx.post(f"{first.url}/webhook/a", json=WEBHOOK)
        first.process.kill()
        first.process.wait()
    with running(MODULE, *arguments(tmp_path)) as second:
        enqueue(second)
        assert [one["seq"] for one in notifications(second)] == [1, 2, 3]
        assert len(deliveries(second)) == 2
        assert KEY not in json.dumps(notifications(second))


def test_two_receivers_cannot_share_a_record(receiver: Running, tmp_path: Path) -> None:
    assert httpx.get(f"{receiver.url}/healthz").status_code == 200
    ended = run_to_end(MODULE, *arguments(tmp_path))
    assert ended.returncode == 1
    assert "another receiver writes this record" in ended.stderr


@pytest.mark.parametrize("channel", ["pagerduty", "slack", "webhook", "email"])
def test_planted_a_dropped_channel_is_answered_and_forgotten(tmp_path: Path, channel: str) -> None:
    with running(MODULE, *arguments(tmp_path, "--drop", channel)) as deaf:
        assert enqueue(deaf).status_code == 202
        assert httpx.post(f"{deaf.url}/slack", json={"text": "x"}).text == "ok"
        assert httpx.post(f"{deaf.url}/webhook/a", json=WEBHOOK).status_code == 200
        send_mail(deaf, "s", "t")
        recorded = {one["channel"] for one in notifications(deaf)}
        assert recorded == {"pagerduty", "slack", "webhook", "email"} - {channel}
        assert bool(deliveries(deaf)) == (channel != "pagerduty")


def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    with running(MODULE, *arguments(tmp_path)) as receiver:
        assert stop(receiver.process) == 0
