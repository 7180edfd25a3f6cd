"""The HTTP application of the local provider."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bongsu.local.provider import errors, wire
from bongsu.local.provider.answer import answer
from bongsu.local.provider.embed import embed, to_base64
from bongsu.local.provider.models import MODELS
from bongsu.local.provider.requests import parse_chat, parse_embeddings
from bongsu.local.serving import parse_json_object, read_bounded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

MAX_BODY = 4 * 1024 * 1024
OPERATIONS = ("chat", "embeddings", "models")
REVOKED_KEY_PREFIX = "revoked"
"""A key that begins so is refused with 401 invalid_api_key, to rehearse a rotated key. Any other key is good."""

JSON = "application/json"


@dataclass(slots=True)
class Provider:
    """One endpoint: its name, its delay and what it has counted."""

    name: str = "primary"
    latency_ms: float = 0.0
    seed: int = 0
    wall_clock: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    number: int = 0
    limits: wire.RateLimits = field(default_factory=wire.RateLimits)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def next_call(self) -> wire.Call:
        """Count the request and return its identifiers."""
        self.number += 1
        id_ = wire.identifier(self.seed, self.name, self.number)
        return wire.Call(id_, int(self.wall_clock()), wire.fingerprint(self.name))

    async def think(self) -> None:
        """Wait `latency_ms`, give or take a fifth by seed and request number."""
        if self.latency_ms > 0:
            spread = Random(f"{self.seed}:latency:{self.number}").uniform(0.8, 1.2)  # noqa: S311 - a delay, not a secret
            await asyncio.sleep(self.latency_ms / 1000 * spread)


@dataclass(frozen=True, slots=True)
class Reply:
    """What an operation answers: its response and the tokens it spent."""

    response: Response
    tokens: int = 0


def build(provider: Provider) -> Starlette:
    """Return the application of one provider."""
    requests = Counter(
        "local_provider_requests",
        "Requests to the local provider by operation and status.",
        ["operation", "status"],
        registry=provider.registry,
    )
    for operation in OPERATIONS:
        requests.labels(operation, "200")

    def endpoint(
        operation: str, handle: Callable[[Provider, Request, wire.Call], Awaitable[Reply]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            call = provider.next_call()
            started = provider.clock()
            try:
                _check_key(request.headers.get("authorization", ""))
                reply = await handle(provider, request, call)
            except errors.RefusedError as error:
                reply = Reply(_refusal(error))
            headers = reply.response.headers
            headers["x-request-id"] = f"req_{call.id}"
            headers["openai-version"] = "2020-10-01"
            headers["openai-processing-ms"] = str(round((provider.clock() - started) * 1000))
            headers["x-local-provider"] = provider.name
            for name, value in provider.limits.spend(reply.tokens, provider.clock()).items():
                headers[name] = value
            requests.labels(operation, str(reply.response.status_code)).inc()
            return reply.response

        return serve

    async def healthz(_: Request) -> Response:
        return Response(wire.encode({"status": "ok", "name": provider.name}), media_type=JSON)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(provider.registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", endpoint("chat", _chat), methods=["POST"]),
            Route("/v1/embeddings", endpoint("embeddings", _embeddings), methods=["POST"]),
            Route("/v1/models", endpoint("models", _models), methods=["GET"]),
            Route("/v1/models/{name}", endpoint("models", _model), methods=["GET"]),
            Route("/healthz", healthz),
            Route("/metrics", metrics),
        ],
        exception_handlers={HTTPException: _no_route, 500: _server_error},
    )


async def _chat(provider: Provider, request: Request, call: wire.Call) -> Reply:
    chat = parse_chat(await _body(request))
    text = answer(chat)
    await provider.think()
    spent = chat.prompt_tokens + text.tokens * chat.choices
    if chat.stream:
        events = wire.chunks(chat, text, call)
        return Reply(StreamingResponse(events, media_type="text/event-stream"), spent)
    return Reply(Response(wire.encode(wire.completion(chat, text, call)), media_type=JSON), spent)


async def _embeddings(provider: Provider, request: Request, _call: wire.Call) -> Reply:
    wanted = parse_embeddings(await _body(request))
    data: list[dict[str, Any]] = []
    for index, item in enumerate(wanted.inputs):
        vector = embed(item, wanted.dimensions)
        encoded = to_base64(vector) if wanted.base64 else vector
        data.append({"object": "embedding", "index": index, "embedding": encoded})
        await asyncio.sleep(0)  # a batch of 2048 must not hold up everybody else
    await provider.think()
    usage = {"prompt_tokens": wanted.prompt_tokens, "total_tokens": wanted.prompt_tokens}
    body = {"object": "list", "data": data, "model": wanted.model.name, "usage": usage}
    return Reply(Response(wire.encode(body), media_type=JSON), wanted.prompt_tokens)


async def _models(_provider: Provider, _request: Request, _call: wire.Call) -> Reply:
    return Reply(Response(wire.encode(wire.model_list()), media_type=JSON))


async def _model(_provider: Provider, request: Request, _call: wire.Call) -> Reply:
    name = request.path_params["name"]
    if name not in MODELS:
        raise errors.no_model(name)
    return Reply(Response(wire.encode(wire.model_object(name)), media_type=JSON))


async def _body(request: Request) -> Mapping[str, Any]:
    body = await read_bounded(request, MAX_BODY)
    if body is None:
        raise errors.too_large(MAX_BODY)
    value = parse_json_object(body)
    if value is None:
        raise errors.bad_json()
    return value


def _check_key(authorization: str) -> None:
    scheme, _, key = authorization.partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise errors.no_key()
    if key.startswith(REVOKED_KEY_PREFIX):
        raise errors.wrong_key(key)


def _refusal(error: errors.RefusedError) -> Response:
    return Response(wire.encode(error.body()), status_code=error.status, media_type=JSON)


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = f"Invalid URL ({request.method} {request.url.path})"
    if status == 405:  # noqa: PLR2004 - method not allowed
        hint = "(HINT: Perhaps you meant to use a different HTTP method?)"
        message = f"Not allowed to {request.method} on {request.url.path}. {hint}"
    return _refusal(errors.RefusedError(status, message))


async def _server_error(_request: Request, _error: Exception) -> Response:
    return _refusal(
        errors.RefusedError(
            500, "The server had an error while processing your request. Sorry about that!", kind="server_error"
        )
    )
