"""`bongsu watch`: watches the watchers: hears the heartbeat, asks each part, and speaks on a channel of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bongsu.alerts.watch import ALERTMANAGER, PARTS, PIPELINE, PROMETHEUS, RECEIVER, Message, Watch
from bongsu.alerts.watchdog import evaluated_at
from bongsu.core import conventions as names
from bongsu.core.durations import parse_duration
from bongsu.core.errors import UsageError
from bongsu.local import serving
from bongsu.telemetry import logs

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Mapping
    from typing import TextIO

    from starlette.requests import Request

NAME = "watch"
HELP = "watch Prometheus, Alertmanager and the receiver from outside, and say on another channel when one is dead"
EXAMPLES = (
    "bongsu watch --port 9096 --prometheus http://127.0.0.1:9090 --alertmanager http://127.0.0.1:9093 --tell https://...",
)
_EVERY, _ASK_SECONDS, _BODY = 2.0, 5.0, 1_000_000
_HEALTH = {PROMETHEUS: "/-/healthy", ALERTMANAGER: "/-/healthy"}
_BROKEN = 500
_log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1 for heartbeats, metrics and status")
    parser.add_argument("--prometheus", metavar="URL", required=True)
    parser.add_argument("--alertmanager", metavar="URL", required=True)
    parser.add_argument("--receiver", metavar="URL", help="an address of the receiver that answers when it is well")
    parser.add_argument(
        "--tell", metavar="URL", action="append", default=[], help="webhook for what is wrong (repeatable)"
    )
    parser.add_argument("--tell-token-file", type=Path, help="file with the bearer token for --tell")
    parser.add_argument("--late", default="45s", help="silence that counts as dead, as a duration (default: 45s)")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Watch until SIGTERM."""
    del out, err
    try:
        late = parse_duration(args.late)
    except ValueError as error:
        raise UsageError(f"--late: {error}") from None
    urls = {PROMETHEUS: args.prometheus, ALERTMANAGER: args.alertmanager, RECEIVER: args.receiver}
    urls = {part: url.rstrip("/") + _HEALTH.get(part, "") for part, url in urls.items() if url}
    for url in (*urls.values(), *args.tell):
        if urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(f"{url!r} is no http address")
    token = args.tell_token_file.read_text(encoding="utf-8").strip() if args.tell_token_file else ""
    logs.setup()
    watcher = Watcher(late, urls, tuple(args.tell), token)

    def start() -> None:
        sock = serving.bind(args.port)
        serving.announce("watch", url=f"http://{serving.HOST}:{serving.port_of(sock)}")
        serving.serve(watcher.app(), sock)

    return serving.run_edge(start)


class Watcher:
    """The process: one loop that asks and speaks, and the endpoints beside it."""

    def __init__(self, late: float, urls: Mapping[str, str], tell: tuple[str, ...], token: str) -> None:
        self._urls, self._tell = urls, tell
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._delivered: set[tuple[str, str, str]] = set()
        self._watch = Watch(late, dict.fromkeys((*urls, PIPELINE), time.time()))
        self._registry = CollectorRegistry()
        self._up = Gauge(
            names.WATCH_PART_UP.name, names.WATCH_PART_UP.help, names.WATCH_PART_UP.label_names, registry=self._registry
        )
        age = names.WATCH_HEARTBEAT_AGE
        Gauge(age.name, age.help, registry=self._registry).set_function(
            lambda: time.time() - self._watch.well[PIPELINE]
        )

    def app(self) -> Starlette:
        """Return the endpoints; the loop lives as long as they do."""
        return Starlette(
            routes=[
                Route("/heartbeat", self._heartbeat, methods=["POST"]),
                Route("/metrics", self._metrics),
                Route("/status", self._status),
                Route("/healthz", self._healthz),
            ],
            lifespan=self._living,
        )

    @contextlib.asynccontextmanager
    async def _living(self, _: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(self._look())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _look(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=_ASK_SECONDS) as client:
            while True:
                await asyncio.gather(*(self._ask(client, part) for part in self._urls))
                now = time.time()
                due = self._watch.due(now)
                for part in self._watch.well:
                    self._up.labels(part).set(now - self._watch.well[part] <= self._watch.late)
                for message in due:
                    await self._say(client, message)
                await asyncio.sleep(_EVERY)

    async def _ask(self, client: httpx.AsyncClient, part: str) -> None:
        with contextlib.suppress(httpx.HTTPError):
            if (await client.get(self._urls[part])).status_code < _BROKEN:
                self._watch.seen(part, time.time())

    async def _say(self, client: httpx.AsyncClient, message: Message) -> None:
        """Log a message once and post it to each channel until it has taken it once; Slack's webhooks read `text`."""
        if not any(part == message.part and status == message.status for _, part, status in self._delivered):
            _log.warning(message.text, extra={"part": message.part, "status": message.status})
        text = f"bongsu watch: {message.text}\n{message.text_ko}"
        body = {"status": message.status, "part": message.part, "text": text}
        for channel in ("", *self._tell):
            key = (channel, message.part, message.status)
            if key not in self._delivered and (not channel or await self._post(client, channel, body)):
                self._delivered.add(key)
        if len([key for key in self._delivered if key[1:] == (message.part, message.status)]) == 1 + len(self._tell):
            self._watch.done(message)
            self._delivered = {key for key in self._delivered if key[1] != message.part}

    async def _post(self, client: httpx.AsyncClient, url: str, body: dict[str, str]) -> bool:
        try:
            answer = await client.post(url, json=body, headers=self._headers)
            why = "" if answer.is_success else f"answers {answer.status_code}"
        except httpx.HTTPError as error:
            why = type(error).__name__
        if why:
            _log.error("cannot tell %s: %s; tried again in %g s", urlsplit(url).netloc, why, _EVERY)
        return not why

    async def _heartbeat(self, request: Request) -> Response:
        body = serving.parse_json_object(await serving.read_bounded(request, _BODY) or b"")
        at = evaluated_at(body) if body else None
        if at is None:
            return JSONResponse({"error": "no Watchdog alert with a time of evaluation"}, 400)
        self._watch.seen(PIPELINE, min(at, time.time()))
        return JSONResponse({"status": "ok"})

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    async def _status(self, _: Request) -> Response:
        now = time.time()
        parts: dict[str, Any] = {
            part: {"silent_seconds": round(now - self._watch.well[part], 1), "told": part in self._watch.told}
            for part in PARTS
            if part in self._watch.well
        }
        return JSONResponse(parts)

    async def _healthz(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})
