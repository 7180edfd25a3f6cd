"""Write responses: chat completions, their stream of chunks, embeddings, models and the headers around them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import bongsu
from bongsu.local.provider.models import CREATED, MODELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bongsu.local.provider.answer import Answer
    from bongsu.local.provider.requests import ChatRequest

CHUNK_CHARACTERS = 24
REQUESTS_PER_MINUTE = 10_000
TOKENS_PER_MINUTE = 30_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """What one request knows about itself: `id` follows from seed and number, `created` (Unix time) from the clock."""

    id: str
    created: int
    fingerprint: str


def fingerprint(name: str) -> str:
    """Return the system fingerprint of an endpoint: the same for the same name and version."""
    return "fp_" + hashlib.sha256(f"{bongsu.__version__}:{name}".encode()).hexdigest()[:10]


def identifier(seed: int, name: str, number: int) -> str:
    """Return 32 hexadecimal digits that depend on seed, endpoint name and request number only."""
    return f"{Random(f'{seed}:{name}:{number}').getrandbits(128):032x}"  # noqa: S311 - an identifier, not a secret


def encode(value: object) -> bytes:
    """Return JSON in UTF-8; a lone surrogate becomes a question mark, since UTF-8 has no place for it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def completion(request: ChatRequest, answer: Answer, call: Call) -> dict[str, Any]:
    """Return the body of a chat completion."""
    return {
        "id": f"chatcmpl-{call.id[:29]}",
        "object": "chat.completion",
        "created": call.created,
        "model": request.model.name,
        "choices": [
            {
                "index": i,
                "message": {"role": "assistant", "content": answer.text, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": answer.finish_reason,
            }
            for i in range(request.choices)
        ],
        "usage": usage(request, answer),
        "service_tier": "default",
        "system_fingerprint": call.fingerprint,
    }


def chunks(request: ChatRequest, answer: Answer, call: Call) -> Iterator[bytes]:
    """Yield the server-sent events of a streamed chat completion, `[DONE]` included."""
    frame = {
        "id": f"chatcmpl-{call.id[:29]}",
        "object": "chat.completion.chunk",
        "created": call.created,
        "model": request.model.name,
        "service_tier": "default",
        "system_fingerprint": call.fingerprint,
    }
    trailer = {"usage": None} if request.include_usage else {}

    def event(index: int, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: " + encode({**frame, "choices": [choice], **trailer}) + b"\n\n"

    for index in range(request.choices):
        yield event(index, {"role": "assistant", "content": "", "refusal": None})
        for piece in _pieces(answer.text):
            yield event(index, {"content": piece})
        yield event(index, {}, answer.finish_reason)
    if request.include_usage:
        yield b"data: " + encode({**frame, "choices": [], "usage": usage(request, answer)}) + b"\n\n"
    yield b"data: [DONE]\n\n"


def usage(request: ChatRequest, answer: Answer) -> dict[str, Any]:
    """Return the usage object; tokens are counted by `tokens.count`."""
    completion_tokens = answer.tokens * request.choices
    return {
        "prompt_tokens": request.prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": request.prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def model_list() -> dict[str, Any]:
    """Return the body of GET /v1/models."""
    return {"object": "list", "data": [model_object(name) for name in MODELS]}


def model_object(name: str) -> dict[str, Any]:
    """Return one entry of the model list."""
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "system"}


@dataclass(slots=True)
class RateLimits:
    """Count down requests and tokens of a minute and refill them steadily; report only, never refuse."""

    updated: float = 0.0
    requests: float = REQUESTS_PER_MINUTE
    tokens: float = TOKENS_PER_MINUTE
    _limits: tuple[int, int] = field(default=(REQUESTS_PER_MINUTE, TOKENS_PER_MINUTE), repr=False)

    def spend(self, tokens: int, now: float) -> dict[str, str]:
        """Take one request and its tokens at monotonic time `now`; return the `x-ratelimit-*` headers."""
        share = max(0.0, now - self.updated) / 60
        self.updated = now
        most_requests, most_tokens = self._limits
        self.requests = max(0.0, min(most_requests, self.requests + share * most_requests) - 1)
        self.tokens = max(0.0, min(most_tokens, self.tokens + share * most_tokens) - tokens)
        return {
            "x-ratelimit-limit-requests": str(most_requests),
            "x-ratelimit-limit-tokens": str(most_tokens),
            "x-ratelimit-remaining-requests": str(int(self.requests)),
            "x-ratelimit-remaining-tokens": str(int(self.tokens)),
            "x-ratelimit-reset-requests": _reset((most_requests - self.requests) / most_requests * 60),
            "x-ratelimit-reset-tokens": _reset((most_tokens - self.tokens) / most_tokens * 60),
        }


def _reset(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms" if seconds < 1 else f"{seconds:.3f}s"


def _pieces(text: str) -> Iterator[str]:
    """Cut text at spaces into pieces of about CHUNK_CHARACTERS; joined they are the text again."""
    start = 0
    while start < len(text):
        end = text.find(" ", start + CHUNK_CHARACTERS)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end
