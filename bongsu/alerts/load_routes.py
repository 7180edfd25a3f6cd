"""Read a document of kind Routes: who is woken by what, and when."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import available_timezones

from bongsu.alerts.intervals import Interval, parse_day, parse_month, parse_time, parse_weekday
from bongsu.alerts.model import (
    CHANNELS,
    OVERRIDES,
    WEBHOOKS,
    Dependency,
    Endpoints,
    Escalation,
    Inhibition,
    Route,
    Routes,
)
from bongsu.core.conventions import SEVERITIES
from bongsu.core.durations import parse_duration
from bongsu.core.yaml import Reader
from bongsu.slo.rules import Links

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bongsu.alerts.intervals import Range
    from bongsu.core.yaml import Node

_T = TypeVar("_T")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z")


def load_routes(reader: Reader, file: str) -> Routes:
    """Return what the document declares; problems of form are recorded by the reader."""
    links = reader.mapping("links")
    bases = Links(_base(links, "repository"), _base(links, "grafana"))
    links.done()
    default = reader.text("default")
    endpoints = _endpoints(reader.mapping("endpoints"))
    intervals = tuple(_each(reader, "time_intervals", _interval, required=False))
    channels = (*CHANNELS, *endpoints.webhooks)
    names = [interval.name for interval in intervals]
    routes = Routes(
        default,
        tuple(_each(reader, "routes", lambda inner: _route(inner, channels, names))),
        tuple(_each(reader, "inhibitions", _inhibition, required=False)),
        bases,
        endpoints,
        file,
        intervals,
        tuple(_each(reader, "dependencies", _dependency, required=False)),
        _overrides(reader),
    )
    _references(reader, routes)
    reader.done()
    return routes


def _each(reader: Reader, key: str, read: Callable[[Reader], _T], *, required: bool = True) -> list[_T]:
    return [read(Reader(node, reader.problems, key)) for node in reader.sequence(key, required=required)]


def _references(reader: Reader, routes: Routes) -> None:
    """Report a default or an override of an unknown receiver, a doubled interval, and SNS without address."""
    escalations = [route.escalate for route in routes.routes if route.escalate]
    receivers = {route.receiver for route in routes.routes} | {one.receiver for one in escalations}
    known = ", ".join(sorted(receivers)) or "none"
    if reader.has("default") and routes.default not in {route.receiver for route in routes.routes}:
        reader.fail("spec/value", reader.span("default"), f"no receiver {routes.default!r}", f"receivers: {known}")
    for name in routes.overrides:
        if name not in receivers:
            span = reader.mapping("receivers").node.keys[name]
            reader.fail("spec/value", span, f"no route names the receiver {name!r}", f"receivers: {known}")
    seen: set[str] = set()
    for interval in routes.intervals:
        if interval.name in seen:
            reader.fail("spec/value", interval.span, f"two intervals named {interval.name!r}", "rename one of them")
        seen.add(interval.name)
    used = {channel for route in routes.routes for channel in route.channels}
    used |= {channel for escalation in escalations for channel in escalation.channels}
    if "sns" in used and not routes.endpoints.sns_region:
        reader.fail("spec/missing-key", reader.span("endpoints"), "a route uses sns", "add `sns_region:` to endpoints")


def _base(links: Reader, key: str) -> str:
    base = links.text(key).rstrip("/")
    if base and not re.match(r"^https?://[^\s\"'{}]+\Z", base):
        links.fail("spec/value", links.span(key), f"{base!r} is not an http address", "write https://...")
    return base


def _route(reader: Reader, channels: Iterable[str], intervals: list[str]) -> Route:
    route = Route(
        severity=reader.choice("severity", SEVERITIES),
        receiver=_name(reader, "receiver"),
        channels=_channels(reader, channels),
        group_by=reader.texts("group_by"),
        group_wait=_seconds(reader, "group_wait"),
        group_interval=_seconds(reader, "group_interval"),
        repeat_interval=_seconds(reader, "repeat_interval"),
        span=reader.span("severity"),
        services=reader.texts("services", required=False),
        active=_intervals(reader, "active", intervals),
        mute=_intervals(reader, "mute", intervals),
        escalate=_escalation(reader, channels) if reader.has("escalate") else None,
    )
    if not 0 < route.group_interval <= route.repeat_interval and reader.has("repeat_interval"):
        reader.fail(
            "spec/value",
            reader.span("repeat_interval"),
            "repeat_interval is shorter than group_interval",
            "Alertmanager looks at a group once per group_interval: repeat at least as slowly",
        )
    if route.escalate and route.escalate.after <= route.group_wait:
        reader.fail(
            "spec/value",
            reader.span("escalate"),
            "the escalation comes no later than the first notification",
            "write an `after` longer than group_wait",
        )
    reader.done()
    return route


def _escalation(reader: Reader, channels: Iterable[str]) -> Escalation:
    inner = reader.mapping("escalate")
    found = Escalation(_seconds(inner, "after"), _name(inner, "receiver"), _channels(inner, channels))
    inner.done()
    return found


def _name(reader: Reader, key: str) -> str:
    name = reader.text(key)
    if name and not _NAME.match(name):
        reader.fail("spec/value", reader.span(key), f"{name!r} is no name", "use letters, digits, `-`, `_` and `.`")
    return name


def _channels(reader: Reader, known: Iterable[str]) -> tuple[str, ...]:
    found = reader.texts("channels")
    for channel in sorted(set(found) - set(known)):
        reader.fail("spec/value", reader.span("channels"), f"no channel {channel!r}", f"use {', '.join(known)}")
    return found


def _intervals(reader: Reader, key: str, known: list[str]) -> tuple[str, ...]:
    found = reader.texts(key, required=False)
    for name in found:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"declare it under time_intervals ({', '.join(known)})"
            reader.fail("spec/value", reader.span(key), f"no time interval {name!r}", hint)
    return found


def _interval(reader: Reader) -> Interval:
    zone = reader.text("zone")
    if zone and zone not in available_timezones():
        near = difflib.get_close_matches(zone, sorted(available_timezones()), 1)
        hint = f"did you mean {near[0]!r}?" if near else "write an IANA name such as Asia/Seoul"
        reader.fail("spec/value", reader.span("zone"), f"no time zone {zone!r}", hint)
        zone = "UTC"
    interval = Interval(
        _name(reader, "name"),
        zone or "UTC",
        reader.span("name"),
        times=_ranges(reader, "times", parse_time),
        weekdays=_ranges(reader, "weekdays", parse_weekday),
        days=_ranges(reader, "days_of_month", parse_day),
        months=_ranges(reader, "months", parse_month),
    )
    reader.done()
    return interval


def _ranges(reader: Reader, key: str, parse: Callable[[str], Range]) -> tuple[Range, ...]:
    found = []
    for node in reader.sequence(key, required=False):
        try:
            found.append(parse(_text(node)))
        except ValueError as error:
            reader.fail("spec/value", node.span, f"{key}: {error}", "correct the value")
    return tuple(found)


def _text(node: Node) -> str:
    if not isinstance(node.value, str | int) or isinstance(node.value, bool):
        raise ValueError("not text")  # noqa: TRY004 - becomes a problem at the value, as any other wrong text
    return str(node.value)


def _dependency(reader: Reader) -> Dependency:
    dependency = Dependency(
        reader.text("service", ""),
        reader.texts("alerts", required=False),
        reader.texts("depends_on"),
        reader.texts("equal", required=False),
        reader.span("depends_on"),
    )
    if bool(dependency.service) == bool(dependency.alerts):
        reader.fail(
            "spec/value", reader.node.span, "a dependant is a service or a list of alerts", "write one of the two"
        )
    for name in sorted({dependency.service, *dependency.alerts} & set(dependency.on)):
        reader.fail(
            "spec/value", reader.span("depends_on"), f"{name} depends on itself", "it would be silenced by itself"
        )
    reader.done()
    return dependency


def _overrides(reader: Reader) -> dict[str, dict[str, str]]:
    receivers = reader.mapping("receivers", required=False)
    found = {}
    for name, node in receivers.items():
        inner = Reader(node, reader.problems, f"receivers.{name}")
        found[name] = {key: inner.text(key) for key in OVERRIDES if inner.has(key)}
        for key in OVERRIDES:
            inner.get(key, required=False)
        inner.done()
    return found


def _seconds(reader: Reader, key: str) -> float:
    reader.text(key)
    return float(reader.parsed(key, parse_duration, 0.0))


def _inhibition(reader: Reader) -> Inhibition:
    inhibition = Inhibition(
        reader.choice("source", SEVERITIES), reader.choice("target", SEVERITIES), reader.texts("equal")
    )
    if inhibition.source == inhibition.target and inhibition.source:
        reader.fail("spec/value", reader.span("target"), "a severity cannot silence itself", "choose a lower target")
    reader.done()
    return inhibition


def _endpoints(reader: Reader) -> Endpoints:
    urls, credentials = _webhooks(reader)
    endpoints = Endpoints(
        pagerduty_url=reader.text("pagerduty_url"),
        pagerduty_routing_key_file=reader.text("pagerduty_routing_key_file"),
        slack_url_file=reader.text("slack_url_file"),
        slack_channel=reader.text("slack_channel"),
        smtp_smarthost=reader.text("smtp_smarthost"),
        smtp_from=reader.text("smtp_from"),
        smtp_to=reader.text("smtp_to"),
        webhooks=urls,
        smtp_username=reader.text("smtp_username", ""),
        smtp_password_file=reader.text("smtp_password_file", ""),
        smtp_require_tls=reader.flag("smtp_require_tls", default=True),
        heartbeat_url=reader.text("heartbeat_url", ""),
        webhook_credentials_files=credentials,
        **_sns(reader),
    )
    reader.done()
    return endpoints


def _webhooks(reader: Reader) -> tuple[dict[str, str], dict[str, str]]:
    """Return the URL and, where there is one, the credentials file of each webhook: `name: URL` or a mapping."""
    webhooks = reader.mapping("webhooks")
    urls, credentials = {}, {}
    for name, node in webhooks.items():
        if name in CHANNELS:
            webhooks.fail("spec/value", webhooks.node.keys[name], f"{name!r} is a channel of its own", "rename it")
        if isinstance(node.value, dict):
            inner = Reader(node, reader.problems, f"endpoints.webhooks.{name}")
            urls[name] = inner.text("url")
            if inner.has("credentials_file"):
                credentials[name] = inner.text("credentials_file")
            inner.get("credentials_file", required=False)
            inner.done()
        else:
            urls[name] = webhooks.text(name)
    for name in WEBHOOKS:
        if name not in urls and reader.has("webhooks"):
            reader.fail("spec/missing-key", reader.span("webhooks"), f"no webhook {name}", f"add `{name}:`")
    return urls, credentials


def _sns(reader: Reader) -> dict[str, str]:
    keys = ("sns_region", "sns_phone_number", "sns_topic_arn", "sns_role_arn")
    found = {key: reader.text(key, "") for key in keys}
    if found["sns_region"] and bool(found["sns_phone_number"]) == bool(found["sns_topic_arn"]):
        what = "SNS sends to a phone number or to a topic"
        reader.fail("spec/value", reader.span("sns_region"), what, "write one of sns_phone_number and sns_topic_arn")
    return found
