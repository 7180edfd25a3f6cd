from __future__ import annotations

import json
from typing import Any

import pytest

from bongsu.chaos.proxy.catalogue import CATALOGUE
from bongsu.chaos.proxy.kinds import KINDS, Delay, Reset, Respond
from bongsu.core.errors import UsageError


def respond(**parameters: Any) -> Respond:
    action = KINDS["http-error"].make(parameters)
    assert isinstance(action, Respond)
    return action


@pytest.mark.parametrize(
    ("name", "status", "type_", "code"),
    [
        ("server_error", 500, "server_error", None),
        ("overloaded", 503, "service_unavailable_error", "server_is_overloaded"),
        ("rate_limit", 429, "requests", "rate_limit_exceeded"),
        ("quota", 429, "insufficient_quota", "insufficient_quota"),
        ("auth", 401, "invalid_request_error", "invalid_api_key"),
    ],
)
def test_each_error_of_the_catalogue_has_openais_shape(name: str, status: int, type_: str, code: str | None) -> None:
    action = respond(body=name)
    error = json.loads(action.body)["error"]
    assert (action.status, error["type"], error["code"], error["param"]) == (status, type_, code, None)
    assert set(error) == {"message", "type", "param", "code"}


def test_the_catalogue_is_tested_whole() -> None:
    assert set(CATALOGUE) == {"server_error", "overloaded", "rate_limit", "quota", "auth"}


def test_only_a_rate_limit_says_when_to_come_back() -> None:
    assert respond(body="rate_limit", retry_after=7).headers == (("retry-after", "7"),)
    assert respond(body="rate_limit").headers == (("retry-after", "1"),)
    assert respond(body="quota").headers == ()


def test_a_status_chooses_its_body() -> None:
    assert respond(status=500).body == respond(body="server_error").body
    assert respond(status=429).body == respond(body="rate_limit").body


def test_a_status_may_carry_any_json() -> None:
    assert respond(status=418, body={"tea": "차"}).body == '{"tea": "차"}'.encode()


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("http-error", {}),
        ("http-error", {"status": 200}),
        ("http-error", {"status": "500"}),
        ("http-error", {"status": 418}),
        ("http-error", {"body": {"a": 1}}),
        ("http-error", {"body": "unheard_of"}),
        ("http-error", {"status": 429, "retry_after": -1}),
        ("http-error", {"status": 500, "body": ["x" * 2_000_000]}),
        ("latency", {}),
        ("latency", {"seconds": 0}),
        ("latency", {"seconds": "2s"}),
        ("latency", {"seconds": float("nan")}),
    ],
)
def test_wrong_parameters_are_refused(kind: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        KINDS[kind].make(parameters)


def test_latency_and_reset_are_what_they_say() -> None:
    assert KINDS["latency"].make({"seconds": 2}) == Delay(2.0)
    assert KINDS["reset"].make({}) == Reset()
