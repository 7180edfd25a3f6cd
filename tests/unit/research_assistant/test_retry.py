from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx2
import openai
import pytest
from research_assistant.retry import Verdict, judge, wait_asked

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
REQUEST = httpx2.Request("POST", "http://llm/v1/chat/completions")
CLIENT = openai.OpenAI(api_key="k", base_url="http://llm/v1")


def status_error(status: int, body: Any = None, **headers: str) -> Exception:
    """Return the exception that the client itself makes of a response."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, headers=given, content=json.dumps(body or {}), request=REQUEST)
    return CLIENT._make_status_error_from_response(response)  # noqa: SLF001 - the real mapping of status to class


def connection_error(cause: Exception) -> Exception:
    error = openai.APIConnectionError(request=REQUEST)
    error.__cause__ = cause
    return error


QUOTA = {
    "error": {"message": "You exceeded your current quota", "code": "insufficient_quota", "type": "insufficient_quota"}
}


@pytest.mark.parametrize(
    ("error", "kind", "again"),
    [
        (status_error(500), "llm_server", True),
        (status_error(502), "llm_server", True),
        (status_error(503), "llm_server", True),
        (status_error(529), "llm_server", True),
        (status_error(429, {"error": {"code": "rate_limit_exceeded"}}), "llm_rate_limit", True),
        (status_error(429, QUOTA), "llm_rate_limit", False),
        (status_error(429, {"error": {"type": "insufficient_quota"}}), "llm_rate_limit", False),
        (status_error(401), "llm_auth", False),
        (status_error(403), "llm_auth", False),
        (status_error(400, {"error": {"code": "context_length_exceeded"}}), "llm_request", False),
        (status_error(404), "llm_request", False),
        (status_error(409), "llm_request", False),
        (status_error(422), "llm_request", False),
        (status_error(408), "llm_timeout", False),
        (openai.APITimeoutError(request=REQUEST), "llm_timeout", False),
        (connection_error(httpx2.ConnectError("refused")), "llm_connection", True),
        (connection_error(httpx2.RemoteProtocolError("cut off")), "llm_connection", True),
        (json.JSONDecodeError("no", "", 0), "llm_invalid", False),
        (openai.APIResponseValidationError(httpx2.Response(200, request=REQUEST), None), "llm_invalid", False),
        (openai.OpenAIError("odd"), "llm_invalid", False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_exception_of_the_client_has_its_verdict(error: Exception, kind: str, again: bool) -> None:
    verdict = judge(error, NOW)
    assert (verdict.kind, verdict.again) == (kind, again)


def test_the_detail_names_status_and_code_but_never_the_message() -> None:
    body = {"error": {"message": "Incorrect API key provided: sk-secret", "code": "invalid_api_key"}}
    assert judge(status_error(401, body), NOW) == Verdict("llm_auth", "HTTP 401 (invalid_api_key)")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "inf"}, 0.0),
        ({"retry-after": "nan"}, 0.0),
        ({}, 0.0),
    ],
)
def test_the_wait_that_a_server_asks_for_is_read(headers: dict[str, str], seconds: float) -> None:
    assert wait_asked(headers, NOW) == seconds


def test_a_rate_limit_carries_the_wait_it_asked_for() -> None:
    assert judge(status_error(429, retry_after="3"), NOW).wait == 3.0
