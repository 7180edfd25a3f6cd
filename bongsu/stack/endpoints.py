"""Where this stack's notifications go: all to the local receiver, the heartbeat to the watcher; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.alerts.model import WEBHOOKS, Endpoints
from bongsu.stack.addresses import RECEIVER, SMTP, WATCH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bongsu.stack.home import Home

ROUTING_KEY = "pagerduty-routing-key"


def slack_url_file(home: Home) -> Path:
    """Return the file that holds Slack's webhook URL: in production that URL is a secret."""
    return home.secrets / "slack-url"


def local_endpoints(urls: Mapping[str, str], home: Home) -> Endpoints:
    """Return the endpoints of the local receiver, which speaks the wire of each channel."""
    return Endpoints(
        pagerduty_url=f"{urls[RECEIVER]}/pagerduty/v2/enqueue",
        pagerduty_routing_key_file=str(home.secrets / ROUTING_KEY),
        slack_url_file=str(slack_url_file(home)),
        slack_channel="#on-call",
        smtp_smarthost=urls[SMTP],
        smtp_from="bongsu@localhost",
        smtp_to="on-call@localhost",
        smtp_require_tls=False,
        webhooks={name: f"{urls[RECEIVER]}/webhook/{name}" for name in WEBHOOKS},
        heartbeat_url=f"{urls[WATCH]}/heartbeat" if WATCH in urls else "",
    )
