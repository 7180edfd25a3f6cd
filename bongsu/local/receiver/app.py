"""The HTTP application of the receiver."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bongsu.local.receiver import mail, pagerduty
from bongsu.local.serving import parse_json_object, read_bounded

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request

    from bongsu.local.receiver.record import Record

MAX_BODY = 1024 * 1024
WEBHOOK_VERSION = "4"


def build(record: Record, smtp_socket: socket.socket | None = None) -> Starlette:
    """Return the application; while it runs it also serves SMTP on `smtp_socket`."""

    @asynccontextmanager
    async def smtp(_: Starlette) -> AsyncIterator[None]:
        if smtp_socket is None:
            yield
            return
        loop = asyncio.get_running_loop()
        server = await loop.create_server(mail.protocol(record, loop), sock=smtp_socket)
        try:
            yield
        finally:
            server.close()

    receiver = Receiver(record)
    return Starlette(
        routes=[
            Route("/pagerduty/v2/enqueue", receiver.enqueue, methods=["POST"]),
            Route("/slack", receiver.slack, methods=["POST"]),
            Route("/webhook/{name}", receiver.webhook, methods=["POST"]),
            Route("/notifications", receiver.notifications),
            Route("/deliveries", receiver.deliveries),
            Route("/healthz", receiver.healthz),
        ],
        lifespan=smtp,
    )


@dataclass(frozen=True, slots=True)
class Receiver:
    """The endpoints over one record."""

    record: Record

    async def enqueue(self, request: Request) -> Response:
        """Accept or refuse a PagerDuty event."""
        event = await _object(request, pagerduty.MAX_BODY)
        errors = ["The body is not a JSON object"] if event is None else pagerduty.problems(event)
        if event is None or errors:
            return _json(pagerduty.refusal(errors), 400)
        key = event.get("dedup_key") or f"{Random().getrandbits(128):032x}"  # noqa: S311 - a name, as PagerDuty gives
        self.record.add("pagerduty", "", pagerduty.without_secret(event, key))
        return _json(pagerduty.accepted(key), 202)

    async def slack(self, request: Request) -> Response:
        """Accept or refuse a message to a Slack incoming webhook, in Slack's plain words."""
        message = await _object(request, MAX_BODY)
        if message is None:
            return PlainTextResponse("invalid_payload", status_code=400)
        if not any(message.get(name) for name in ("text", "attachments", "blocks")):
            return PlainTextResponse("no_text", status_code=400)
        self.record.add("slack", str(message.get("channel", "")), message)
        return PlainTextResponse("ok")

    async def webhook(self, request: Request) -> Response:
        """Accept or refuse an Alertmanager webhook."""
        message = await _object(request, MAX_BODY)
        if message is None or message.get("version") != WEBHOOK_VERSION or not isinstance(message.get("alerts"), list):
            return _json({"error": f"not an Alertmanager webhook of version {WEBHOOK_VERSION}"}, 400)
        self.record.add("webhook", request.path_params["name"], message)
        return _json({"status": "ok"})

    async def notifications(self, request: Request) -> Response:
        """Answer the recorded notifications after a sequence number."""
        since = request.query_params.get("since", "0")
        if not (since.isascii() and since.isdigit()):
            return _json({"error": "since must be a sequence number"}, 400)
        return _json({"notifications": [asdict(one) for one in self.record.since(int(since))]})

    async def deliveries(self, _: Request) -> Response:
        """Answer the calls and short messages that people would have got."""
        return _json({"deliveries": [asdict(one) for one in self.record.incidents.deliveries]})

    async def healthz(self, _: Request) -> Response:
        """Answer that the process runs."""
        return _json({"status": "ok"})


async def _object(request: Request, limit: int) -> Mapping[str, Any] | None:
    """Return the JSON object of a request, None when it is not one; answer 413 when it is longer than `limit` bytes."""
    body = await read_bounded(request, limit)
    if body is None:
        raise HTTPException(413, f"The limit is {limit} bytes")
    return parse_json_object(body)


def _json(body: dict[str, Any], status: int = 200) -> Response:
    encoded = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Response(encoded, status_code=status, media_type="application/json")
