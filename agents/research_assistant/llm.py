"""Call the LLM endpoint in use: one client library, one retry, one deadline, every answer checked and billed."""

from __future__ import annotations

import asyncio
import math
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import openai

from bongsu.core.semconv import CHAT
from bongsu.telemetry import context, work
from bongsu.telemetry import metrics as m
from bongsu.telemetry.genai import Call, Tokens
from research_assistant import prices, provider, usage
from research_assistant.errors import RunError
from research_assistant.guard import GuardedTransport2, guard_of
from research_assistant.retry import judge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from research_assistant import db
    from research_assistant.settings import Settings

TRY_SECONDS = 20.0
CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 45.0
"""Of one call with its retry and the wait between; two calls in a row stay inside the run's deadline of 120 s."""
TRIES = 2
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 0.5


@dataclass(frozen=True, slots=True)
class Request:
    """One chat request: the first line of `system` names the task; `max_tokens` bounds the answer and its price."""

    system: str
    user: str
    max_tokens: int
    json: bool = False

    def parameters(self, model: str) -> dict[str, Any]:
        """Return the parameters of the OpenAI wire format."""
        given: dict[str, Any] = {
            "model": model,
            "messages": [{"role": "system", "content": self.system}, {"role": "user", "content": self.user}],
            "max_completion_tokens": self.max_tokens,
        }
        return given | ({"response_format": {"type": "json_object"}} if self.json else {})


@dataclass(frozen=True, slots=True)
class Llm:
    """The configured endpoints by name; which one a call goes to is read from the database, try by try."""

    pool: db.Pool
    model: str
    price: prices.Price
    clients: Mapping[str, openai.AsyncOpenAI]
    total_seconds: float = TOTAL_SECONDS
    random: random.Random = field(default_factory=random.SystemRandom)

    async def chat(self, run_id: UUID | None, request: Request) -> str:
        """Return the text of the answer; raise RunError with one of the `llm_*` kinds."""
        bound = asyncio.timeout(self.total_seconds)
        try:
            async with bound:
                return await self._with_retry(run_id, request, bound)
        except TimeoutError as error:
            if not bound.expired():
                raise
            raise RunError("llm_timeout", f"no answer within {self.total_seconds:g} s in all") from error

    async def _with_retry(self, run_id: UUID | None, request: Request, bound: asyncio.Timeout) -> str:
        for number in range(1, TRIES + 1):
            endpoint = await provider.active(self.pool)
            try:
                return await self._try(endpoint, run_id, request)
            except (openai.OpenAIError, ValueError) as error:  # ValueError: a body that is not the JSON it claims to be
                verdict = judge(error, datetime.now(UTC))
                pause = max(verdict.wait, self.random.uniform(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS))
                if not verdict.again or number == TRIES or pause >= _left(bound):
                    raise RunError(verdict.kind, f"{endpoint}: {verdict.detail}, try {number}") from error
            await asyncio.sleep(pause)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _try(self, endpoint: str, run_id: UUID | None, request: Request) -> str:
        client = self.clients.get(endpoint)
        if client is None:
            raise RunError("llm_connection", f"{endpoint}: this endpoint is not configured")
        started = time.perf_counter()
        outcome = "error"
        try:
            asked = Call(CHAT, request_model=self.model, server=str(client.base_url))
            with context.bound(endpoint=endpoint), work.model(asked) as call:
                completion: Any = await client.chat.completions.create(**request.parameters(self.model))
                tokens = tokens_of(completion)
                call.billed(tokens)
                await self._bill(endpoint, run_id, tokens)
                text = text_of(completion)
            outcome = "ok"
        finally:
            m.llm_calls.labels(endpoint, "chat", outcome).inc()
            m.llm_duration.labels(endpoint, "chat").observe(time.perf_counter() - started)
        return text

    async def _bill(self, endpoint: str, run_id: UUID | None, tokens: Tokens) -> None:
        """Count what was spent, whether or not the answer turns out to be usable."""
        usd = self.price.cost(tokens.given, tokens.made, tokens.cache_read or 0)
        m.llm_tokens.labels(endpoint, "input").inc(tokens.given)
        m.llm_tokens.labels(endpoint, "output").inc(tokens.made)
        m.cost.labels(endpoint).inc(usd)
        await usage.record(self.pool, run_id, endpoint, self.model, tokens.given, tokens.made, usd)


def open_llm(settings: Settings, pool: db.Pool) -> Llm:
    """Return the client of the configured endpoints; raise UsageError when the model has no price."""
    urls = {"primary": settings.openai_base_url, "secondary": settings.openai_secondary_base_url}
    clients = {
        name: openai.AsyncOpenAI(
            base_url=url,
            api_key=settings.openai_api_key,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(transport=GuardedTransport2(guard_of(settings))),
            timeout=openai.Timeout(TRY_SECONDS, connect=CONNECT_SECONDS),
        )
        for name, url in urls.items()
        if url
    }
    return Llm(pool, settings.model, prices.of(settings.model), clients)


def tokens_of(completion: Any) -> Tokens:
    """Return the billed tokens; raise RunError for an answer that does not say.

    The client library does not validate: what should be a completion can be a string of HTML.
    """
    spent = getattr(completion, "usage", None)
    given, made = _count(spent, "prompt_tokens"), _count(spent, "completion_tokens")
    if given is None or made is None:
        raise RunError("llm_invalid", f"the answer ({type(completion).__name__}) does not say what it cost")
    read = _count(getattr(spent, "prompt_tokens_details", None), "cached_tokens", given)
    thought = _count(getattr(spent, "completion_tokens_details", None), "reasoning_tokens", made)
    return Tokens(given, made, read, thought)


def _count(told: Any, name: str, most: float = math.inf) -> int | None:
    """Return a count of tokens; None for one that is not told, or cannot be."""
    count = getattr(told, name, None)
    return count if type(count) is int and 0 <= count <= most else None


def text_of(completion: Any) -> str:
    """Return the text of a finished answer; raise RunError for one that is empty, cut off or of another shape."""
    choices = getattr(completion, "choices", None)
    if not isinstance(choices, list) or not choices:
        raise RunError("llm_invalid", "the answer has no choices")
    reason = getattr(choices[0], "finish_reason", None)
    if reason != "stop":
        raise RunError("llm_invalid", f"the answer is not complete: finish_reason is {reason!r}")
    content = getattr(getattr(choices[0], "message", None), "content", None)
    if not isinstance(content, str) or not content.strip():
        raise RunError("llm_invalid", f"the answer has no text but {type(content).__name__}")
    return content


def _left(bound: asyncio.Timeout) -> float:
    end = bound.when()
    return 0.0 if end is None else end - asyncio.get_running_loop().time()
