"""The kinds of faults: each is one small function from its parameters to what happens to a request.

To add a kind: write its function, give it a row in KINDS. If no action below does it, add an action here and its
execution in relay.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bongsu.chaos.proxy.catalogue import CATALOGUE, for_status
from bongsu.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_LATENCY_SECONDS = 3600.0
MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer in the upstream's place; the request never reaches it."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Delay:
    """Hold the request back, then pass it on; a fault that ends lets go at once."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reset:
    """Close the client's connection with a TCP RST before any answer."""


Action = Respond | Delay | Reset


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its function and the parameters it knows."""

    make: Callable[[Mapping[str, Any]], Action]
    parameters: frozenset[str]


def http_error(parameters: Mapping[str, Any]) -> Action:
    """Answer with an error: `status` and/or `body` (a catalogue name, or a JSON value); `retry_after` in seconds."""
    status, body = parameters.get("status"), parameters.get("body")
    if status is not None and (type(status) is not int or not 400 <= status <= 599):  # noqa: PLR2004 - HTTP errors
        raise UsageError(f"status must be an HTTP error status, not {status!r}")
    name = body if isinstance(body, str) else for_status(status) if body is None and status else None
    if name is None and (body is None or status is None):
        raise UsageError("an http-error needs a status that the catalogue knows, or a status and a body")
    if name is not None and name not in CATALOGUE:
        raise UsageError(
            f"no error is called {name!r}", next=f"choose one of {', '.join(CATALOGUE)} or give a JSON body"
        )
    known = CATALOGUE[name] if name is not None else None
    encoded = json.dumps(known.json() if known else body, ensure_ascii=False).encode("utf-8", "replace")
    if len(encoded) > MAX_BODY_BYTES:
        raise UsageError(f"the body has {len(encoded)} bytes, the limit is {MAX_BODY_BYTES}")
    wait = parameters.get("retry_after", 1 if known and known.retry_after else None)
    if wait is not None and (isinstance(wait, bool) or not isinstance(wait, int | float) or wait < 0):
        raise UsageError(f"retry_after must be a number of seconds, not {wait!r}")
    headers = (("retry-after", f"{wait:g}"),) if wait is not None else ()
    return Respond(status or (known.status if known else 500), encoded, headers)


def latency(parameters: Mapping[str, Any]) -> Action:
    """Hold each request back for `seconds`."""
    seconds = parameters.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= MAX_LATENCY_SECONDS:
        raise UsageError(f"seconds must be above 0 and at most {MAX_LATENCY_SECONDS:g}, not {seconds!r}")
    return Delay(float(seconds))


def reset(_parameters: Mapping[str, Any]) -> Action:
    """Reset the connection of each request."""
    return Reset()


KINDS: Mapping[str, Kind] = {
    "http-error": Kind(http_error, frozenset({"status", "body", "retry_after"})),
    "latency": Kind(latency, frozenset({"seconds"})),
    "reset": Kind(reset, frozenset()),
}
