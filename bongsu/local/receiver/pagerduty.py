"""Validate PagerDuty Events API v2 events, with its answers.

Source: https://developer.pagerduty.com/docs/events-api-v2-overview; error texts as in envato/pagerduty#70 and
blockpane/tenderduty#10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY = 512 * 1000
ROUTING_KEY_LENGTH = 32
MAX_DEDUP_KEY = 255
MAX_SUMMARY = 1024
ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")


def problems(event: Mapping[str, Any]) -> list[str]:
    """Return everything PagerDuty would refuse in an event; an empty list means accepted."""
    found = _routing_key(event.get("routing_key"))
    action = event.get("event_action")
    if not action:
        found.append("'event_action' is missing or blank")
    elif action not in ACTIONS:
        found.append(f"'event_action' is invalid (must be one of {', '.join(ACTIONS)})")
    key = event.get("dedup_key")
    if key is not None and not isinstance(key, str):
        found.append("'dedup_key' is invalid (must be a string)")
    elif key and len(key) > MAX_DEDUP_KEY:
        found.append(f"Length of 'dedup_key' is incorrect (should be at most {MAX_DEDUP_KEY} characters)")
    elif not key and action in ("acknowledge", "resolve"):
        found.append("'dedup_key' is missing or blank")
    return found + (_payload(event.get("payload")) if action == "trigger" else [])


def refusal(errors: list[str]) -> dict[str, Any]:
    """Return the body of a 400."""
    return {"status": "invalid event", "message": "Event object is invalid", "errors": errors}


def accepted(dedup_key: str) -> dict[str, Any]:
    """Return the body of a 202."""
    return {"status": "success", "message": "Event processed", "dedup_key": dedup_key}


def without_secret(event: Mapping[str, Any], dedup_key: str) -> dict[str, Any]:
    """Return the event to record: the routing key reduced to its last four characters, the dedup key in place."""
    return {
        **event,
        "routing_key": "*" * (ROUTING_KEY_LENGTH - 4) + str(event["routing_key"])[-4:],
        "dedup_key": dedup_key,
    }


def _routing_key(key: object) -> list[str]:
    if not isinstance(key, str) or not key:
        return ["'routing_key' is missing or blank"]
    found = []
    if len(key) != ROUTING_KEY_LENGTH:
        found.append(f"Length of 'routing_key' is incorrect (should be {ROUTING_KEY_LENGTH} characters)")
    if not (key.isascii() and key.isalnum()):
        found.append("'routing_key' cannot contain non-alphanumeric characters.")
    return found


def _payload(payload: object) -> list[str]:
    if not isinstance(payload, dict):
        return ["'payload' is missing or blank"]
    found = [
        f"'payload.{name}' is missing or blank"
        for name in ("summary", "source", "severity")
        if not isinstance(payload.get(name), str) or not payload[name].strip()
    ]
    severity, summary = payload.get("severity"), payload.get("summary")
    if isinstance(severity, str) and severity.strip() and severity not in SEVERITIES:
        found.append(f"'payload.severity' is invalid (must be one of {', '.join(SEVERITIES)})")
    if isinstance(summary, str) and len(summary) > MAX_SUMMARY:
        found.append(f"Length of 'payload.summary' is incorrect (should be at most {MAX_SUMMARY} characters)")
    return found
