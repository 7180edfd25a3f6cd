"""Bodies of the errors an LLM endpoint really sends, by name.

Sources: https://platform.openai.com/docs/guides/error-codes; Pythagora-io/gpt-pilot#53 quotes a rate limit body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """One error: HTTP status, the fields of the OpenAI error object, and whether it carries Retry-After."""

    status: int
    message: str
    type: str
    code: str | None = None
    retry_after: bool = False

    def json(self) -> Mapping[str, object]:
        """Return the JSON body."""
        return {"error": {"message": self.message, "type": self.type, "param": None, "code": self.code}}


CATALOGUE: Mapping[str, ErrorBody] = {
    "server_error": ErrorBody(
        500, "The server had an error while processing your request. Sorry about that!", "server_error"
    ),
    "overloaded": ErrorBody(
        503,
        "The engine is currently overloaded, please try again later.",
        "service_unavailable_error",
        "server_is_overloaded",
    ),
    "rate_limit": ErrorBody(
        429,
        "Rate limit reached for requests. Limit 500, Used 500, Requested 1. Please try again in 1s.",
        "requests",
        "rate_limit_exceeded",
        retry_after=True,
    ),
    "quota": ErrorBody(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
    ),
    "auth": ErrorBody(
        401,
        "Incorrect API key provided: ****. You can find your API key at https://platform.openai.com/account/api-keys.",
        "invalid_request_error",
        "invalid_api_key",
    ),
}


def for_status(status: int) -> str | None:
    """Return the name of the first error in the catalogue with this status."""
    return next((name for name, error in CATALOGUE.items() if error.status == status), None)
