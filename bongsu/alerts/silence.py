"""Silences as Alertmanager's API v2 takes and gives them; pure. Source: api/v2/openapi.yaml of 0.25."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bongsu.core.durations import format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = timedelta(days=14)
"""A silence outlives what it was made for: longer maintenance is a mute time in routes.yaml, which is reviewed."""


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence as it stands in Alertmanager; `state` is active, pending or expired."""

    id: str
    matchers: tuple[str, ...]
    ends: datetime
    author: str
    why: str
    state: str

    def said(self, now: datetime) -> str:
        """Return one line for people."""
        left = format_duration(max(0, round((self.ends - now).total_seconds())))
        return f"{self.id}  {self.state}, {left} left  {', '.join(self.matchers)}  by {self.author}: {self.why}"


def make_silence(
    labels: Mapping[str, str], length: timedelta, *, why: str, author: str, now: datetime
) -> dict[str, Any]:
    """Return the body of `POST /api/v2/silences`: alerts with all of these labels, from now on."""
    return {
        "matchers": [
            {"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in labels.items()
        ],
        "startsAt": now.isoformat(),
        "endsAt": (now + length).isoformat(),
        "createdBy": author,
        "comment": why,
    }


def parse_silence(body: Mapping[str, Any]) -> Silence:
    """Return one silence of the API's answer; raise ValueError, KeyError or TypeError when it is something else."""
    return Silence(
        str(body["id"]),
        tuple(_matcher(matcher) for matcher in body["matchers"]),
        datetime.fromisoformat(body["endsAt"]),
        str(body["createdBy"]),
        str(body["comment"]),
        str(body["status"]["state"]),
    )


def _matcher(body: Mapping[str, Any]) -> str:
    sign = ("=~" if body["isRegex"] else "=") if body.get("isEqual", True) else ("!~" if body["isRegex"] else "!=")
    return f"{body['name']}{sign}{body['value']}"
