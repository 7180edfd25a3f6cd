"""Judge a failed LLM call: which kind of failure it is and whether one more try can help."""

from __future__ import annotations

import math
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import openai

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

QUOTA = "insufficient_quota"
"""OpenAI's 429 that no waiting cures: the account is out of money (https://platform.openai.com/docs/guides/error-codes)."""
SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to make of an error: `wait` is what the server asked for in seconds, 0 when it did not say."""

    kind: str
    detail: str
    again: bool = False
    wait: float = 0.0


def judge(error: Exception, now: datetime) -> Verdict:
    """Return the verdict on an exception of the openai client; `now` is aware and only read for dates in Retry-After.

    The detail names status and code, never the message: messages quote keys and prompts.
    """
    if isinstance(error, openai.APIStatusError):
        return _judge_status(error, now)
    if isinstance(error, openai.APITimeoutError):  # the call may still be running, and be billed, over there
        return Verdict("llm_timeout", "no answer in time")
    if isinstance(error, openai.APIConnectionError):
        cause = type(error.__cause__).__name__ if error.__cause__ else "no cause given"
        return Verdict("llm_connection", f"connection failed ({cause})", again=True)
    return Verdict("llm_invalid", f"the answer cannot be read ({type(error).__name__})")


def _judge_status(error: openai.APIStatusError, now: datetime) -> Verdict:
    status, code = error.status_code, error.code
    detail = f"HTTP {status} ({code})" if code else f"HTTP {status}"
    wait = wait_asked(error.response.headers, now)
    if status >= SERVER_ERROR:
        return Verdict("llm_server", detail, again=True, wait=wait)
    match status:
        case 429 if QUOTA in (code, error.type):
            return Verdict("llm_rate_limit", detail)
        case 429:
            return Verdict("llm_rate_limit", detail, again=True, wait=wait)
        case 401 | 403:
            return Verdict("llm_auth", detail)
        case 408:
            return Verdict("llm_timeout", detail)
        case _:
            return Verdict("llm_request", detail)


def wait_asked(headers: Mapping[str, str], now: datetime) -> float:
    """Return the seconds that `retry-after-ms` or `retry-after` (seconds or a date) ask for; 0 for none or nonsense."""
    seconds = _number(headers.get("retry-after-ms", "")) / 1000 or _number(text := headers.get("retry-after", ""))
    if seconds or not text:
        return seconds
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):  # no date, or one without a time zone
        return 0.0


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and value > 0 else 0.0
