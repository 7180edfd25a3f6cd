"""Prometheus, Alertmanager and the receiver over HTTP, as the runner's ports."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx

from bongsu.chaos.ports import ActiveAlert, Delivery, Notice, Page, RoutedAlert
from bongsu.core.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Sequence

RECORD = "record"
"""The webhook receiver that gets a machine-readable copy of every notification (alerts/routes.yaml)."""


class PrometheusMetrics:
    """The `Metrics` port on Prometheus' HTTP API v1."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client, self._url = client, url

    async def alerts(self) -> Sequence[ActiveAlert]:
        """Return every active alert."""
        data = await get_json(self._client, f"{self._url}/api/v1/alerts")
        return [
            ActiveAlert(dict(a["labels"]), str(a["state"]), parse_time(a["activeAt"])) for a in data["data"]["alerts"]
        ]

    async def query(self, expression: str) -> Sequence[float]:
        """Return the values of an instant query; NaN counts as no value."""
        data = await get_json(self._client, f"{self._url}/api/v1/query", {"query": expression})
        result = data["data"]
        rows = [result["result"]] if result["resultType"] == "scalar" else [row["value"] for row in result["result"]]
        return [value for row in rows if not math.isnan(value := float(row[1]))]


class AlertmanagerRouter:
    """The `Router` port on Alertmanager's HTTP API v2."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client, self._url = client, url

    async def alerts(self) -> Sequence[RoutedAlert]:
        """Return every alert Alertmanager holds as active, silenced and inhibited ones included."""
        data = await get_json(self._client, f"{self._url}/api/v2/alerts", {"active": "true"})
        return [RoutedAlert(dict(a["labels"]), str(a["fingerprint"])) for a in data]


class ReceiverInbox:
    """The `Inbox` port on the local receiver."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client, self._url = client, url
        self._seen = 0
        self._notifications: list[dict[str, Any]] = []

    async def notices(self) -> Sequence[Notice]:
        """Return every alert of every copy on the record webhook, oldest first."""
        return [
            Notice(item["at"], alert["status"], dict(alert["labels"]), alert["fingerprint"])
            for item in await self._all()
            if item["channel"] == "webhook" and item["name"] == RECORD
            for alert in item["body"]["alerts"]
        ]

    async def pages(self) -> Sequence[Page]:
        """Return every event on the paging channel, oldest first."""
        return [
            Page(item["at"], item["body"]["event_action"], item["body"].get("dedup_key", ""))
            for item in await self._all()
            if item["channel"] == "pagerduty"
        ]

    async def deliveries(self) -> Sequence[Delivery]:
        """Return every phone call and SMS, oldest first."""
        data = await get_json(self._client, f"{self._url}/deliveries")
        return [Delivery(d["at"], d["channel"], d["dedup_key"]) for d in data["deliveries"]]

    async def _all(self) -> list[dict[str, Any]]:
        data = await get_json(self._client, f"{self._url}/notifications", {"since": str(self._seen)})
        for item in data["notifications"]:
            if item["seq"] > self._seen:
                self._seen = item["seq"]
                self._notifications.append(item)
        return self._notifications


async def get_json(client: httpx.AsyncClient, url: str, params: dict[str, str] | None = None) -> Any:
    """Return the JSON answer of a GET; raise UnreachableError for anything but a 200 with JSON."""
    try:
        answer = await client.get(url, params=params)
        answer.raise_for_status()
        return answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise UnreachableError(f"no usable answer: {error!r}", where=url, next="see the component's log") from error


def parse_time(text: str) -> float:
    """Return Unix seconds of an RFC 3339 time with up to nine fractional digits."""
    head, _, fraction_and_zone = text.partition(".")
    if not fraction_and_zone:
        return datetime.fromisoformat(text).timestamp()
    digits = len(fraction_and_zone) - len(fraction_and_zone.lstrip("0123456789"))
    return datetime.fromisoformat(head + fraction_and_zone[digits:]).timestamp() + float(
        f"0.{fraction_and_zone[:digits]}"
    )
