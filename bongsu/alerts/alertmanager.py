"""Compile routes, receivers, inhibition and notification texts into Alertmanager's configuration (0.25 and later)."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Any

from bongsu.alerts.dependencies import any_of, compile_dependency
from bongsu.alerts.intervals import compile_interval
from bongsu.alerts.watchdog import watchdog_receiver, watchdog_route
from bongsu.core.artefacts import header
from bongsu.core.conventions import LABEL_SERVICE, LABEL_SEVERITY
from bongsu.core.durations import format_duration
from bongsu.core.emit import dump
from bongsu.core.promql import scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bongsu.alerts.model import Endpoints, Inhibition, Route, Routes

CONFIG = "alertmanager.yml"
TEMPLATE = "templates/bongsu.tmpl"

_RECORD = "record"
_TITLE = '{{ template "bongsu.title" . }}'
_TEXT = '{{ template "bongsu.text" . }}'
_RUNBOOK = '{{ template "bongsu.runbook" . }}'
_PANEL = '{{ template "bongsu.panel" . }}'


def compile_alertmanager(routes: Routes, endpoints: Endpoints, factor: float = 1.0) -> str:
    """Return alertmanager.yml; `factor` divides group_wait, group_interval and repeat_interval.

    Templates are named relative to the file: Alertmanager resolves them against its own folder.
    """
    default = next(route for route in routes.routes if route.receiver == routes.default)
    beat = [watchdog_route()] if endpoints.heartbeat_url else []
    named = [compile_interval(interval) for interval in routes.intervals]
    intervals: dict[str, object] = {"time_intervals": named} if named else {}
    config: dict[str, object] = {
        "templates": [TEMPLATE],
        "route": {
            "receiver": routes.default,
            **_timing(default, factor),
            "routes": [*beat, *(compiled for route in routes.routes for compiled in _route(route, factor))],
        },
        **intervals,
        "inhibit_rules": [
            *(_inhibition(rule) for rule in routes.inhibitions),
            *(compiled for one in routes.dependencies for compiled in compile_dependency(one)),
        ],
        "receivers": [
            *(
                _receiver(name, channels, _endpoints(routes, name, endpoints))
                for name, channels in _receivers(routes).items()
            ),
            *([watchdog_receiver(endpoints.heartbeat_url)] if endpoints.heartbeat_url else []),
        ],
    }
    return dump(config, header(routes.file))


def compile_template(source: str) -> str:
    """Return the notification templates; `source` is named in the header."""
    text = (resources.files("bongsu.alerts") / "templates" / "bongsu.tmpl").read_text(encoding="utf-8")
    return f"{{{{/* {header(source)} and bongsu/alerts/templates */}}}}\n{text}"


def _receivers(routes: Routes) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for route in routes.routes:
        for one in (route, route.escalate):
            if one:
                found[one.receiver] = tuple(dict.fromkeys((*found.get(one.receiver, ()), *one.channels)))
    return found


def _endpoints(routes: Routes, receiver: str, endpoints: Endpoints) -> Endpoints:
    """Return the endpoints of one receiver. What a stack or a trial puts in their place holds for all receivers."""
    if endpoints is not routes.endpoints:
        return endpoints
    own: dict[str, Any] = dict(routes.overrides.get(receiver, {}))
    return replace(endpoints, **own)


def _route(route: Route, factor: float) -> Iterator[dict[str, object]]:
    """Yield the route, its escalation before it: a group that ends within its group_wait is never sent.

    A route with times lets alerts pass on to the next one (`continue`): Alertmanager does not ask another route when
    the times of the first are over, it drops the notification.
    """
    matchers = [f'{LABEL_SEVERITY}="{route.severity}"']
    if len(route.services) == 1:
        matchers.append(f'{LABEL_SERVICE}="{route.services[0]}"')
    elif route.services:
        matchers.append(f'{LABEL_SERVICE}=~"{any_of(route.services)}"')
    times: dict[str, object] = {}
    if route.mute:
        times["mute_time_intervals"] = list(route.mute)
    if route.active:
        times["active_time_intervals"] = list(route.active)
    later = {"continue": True}
    if route.escalate:
        slower = replace(route, group_wait=route.escalate.after)
        yield {
            "matchers": matchers,
            "receiver": route.escalate.receiver,
            **later,
            **_timing(slower, factor),
            **times,
        }
    yield {
        "matchers": matchers,
        "receiver": route.receiver,
        **(later if route.timed else {}),
        **_timing(route, factor),
        **times,
    }


def _timing(route: Route, factor: float) -> dict[str, object]:
    times = {
        "group_wait": route.group_wait,
        "group_interval": route.group_interval,
        "repeat_interval": route.repeat_interval,
    }
    return {
        "group_by": list(route.group_by),
        **{name: scale(format_duration(seconds), factor) for name, seconds in times.items()},
    }


def _inhibition(rule: Inhibition) -> dict[str, object]:
    return {
        "source_matchers": [f'{LABEL_SEVERITY}="{rule.source}"'],
        "target_matchers": [f'{LABEL_SEVERITY}="{rule.target}"'],
        "equal": list(rule.equal),
    }


def _receiver(name: str, channels: tuple[str, ...], endpoints: Endpoints) -> dict[str, object]:
    configs: dict[str, list[object]] = {}
    for channel in channels:
        key, config = _CHANNELS.get(channel, _webhook)(endpoints, channel)
        configs.setdefault(key, []).append(config)
    return {"name": name, **configs}


# `send_resolved` is written out everywhere: its default differs by channel (research/alerts.md 5, trap 5).


def _pagerduty(to: Endpoints, _channel: str) -> tuple[str, dict[str, object]]:
    """Return the page. PagerDuty's dedup key is the group key: one group, one incident."""
    return "pagerduty_configs", {
        "send_resolved": True,
        "url": to.pagerduty_url,
        "routing_key_file": to.pagerduty_routing_key_file,
        "severity": "critical",
        "class": "{{ .CommonLabels.alertname }}",
        "component": "{{ .CommonLabels.service }}",
        "client": "bongsu",
        "client_url": _PANEL,
        "description": _TITLE,
        "details": {"text": _TEXT},
        "links": [{"href": _RUNBOOK, "text": "Runbook / 런북"}, {"href": _PANEL, "text": "Panel / 패널"}],
    }


def _email(to: Endpoints, _channel: str) -> tuple[str, dict[str, object]]:
    account = {"auth_username": to.smtp_username} if to.smtp_username else {}
    password = {"auth_password_file": to.smtp_password_file} if to.smtp_password_file else {}
    return "email_configs", {
        "send_resolved": True,
        "to": to.smtp_to,
        "from": to.smtp_from,
        "smarthost": to.smtp_smarthost,
        **account,
        **password,
        "require_tls": to.smtp_require_tls,
        "headers": {"Subject": _TITLE},
        "html": "",
        "text": _TEXT,
    }


def _slack(to: Endpoints, _channel: str) -> tuple[str, dict[str, object]]:
    return "slack_configs", {
        "send_resolved": True,
        "api_url_file": to.slack_url_file,
        "channel": to.slack_channel,
        "title": _TITLE,
        "title_link": _PANEL,
        "text": _TEXT,
    }


def _sns(to: Endpoints, _channel: str) -> tuple[str, dict[str, object]]:
    """Return the SMS: the title alone, a message is 140 bytes. A stack without SNS gives it to the record."""
    if not to.sns_region:
        return _webhook(to, _RECORD)
    role = {"role_arn": to.sns_role_arn} if to.sns_role_arn else {}
    where = {"phone_number": to.sns_phone_number} if to.sns_phone_number else {"topic_arn": to.sns_topic_arn}
    return "sns_configs", {
        "send_resolved": True,
        "sigv4": {"region": to.sns_region, **role},
        **where,
        "message": _TITLE,
    }


def _webhook(to: Endpoints, channel: str) -> tuple[str, dict[str, object]]:
    """Return the machine-readable copy: all labels and fingerprints of a group.

    A stack knows the webhooks of the framework alone: the others are given to the record there.
    """
    file = to.webhook_credentials_files.get(channel)
    secret = {"http_config": {"authorization": {"type": "Bearer", "credentials_file": file}}} if file else {}
    url = to.webhooks.get(channel) or to.webhooks[_RECORD]
    return "webhook_configs", {"send_resolved": True, "url": url, "max_alerts": 0, **secret}


_CHANNELS: dict[str, Callable[[Endpoints, str], tuple[str, dict[str, object]]]] = {
    "pagerduty": _pagerduty,
    "email": _email,
    "slack": _slack,
    "sns": _sns,
}
"""Every other channel is a webhook."""
