"""The API on real processes: what it refuses and how, and what it does while the database is away."""

from __future__ import annotations

import http.client
import json
import math
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from bongsu.core.conventions import COST_BUDGET_USED, ERRORS, EVENTS, PRIORITIES, QUEUE_DEPTH, QUEUE_OLDEST_AGE
from tests.real.support.assistant import answers
from tests.real.support.pg import free_port
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from tests.real.support.assistant import Assistant, Reply

NOBODY = "4d491f06-d8c9-4515-9b12-ac45b93eb5ac"  # fixed: parallel workers must collect the same names

WAITING = (f'{name}{{priority="{p}"}}' for name in (QUEUE_DEPTH.name, QUEUE_OLDEST_AGE.name) for p in PRIORITIES)
GAUGES = (*WAITING, COST_BUDGET_USED.name)
BAD = f'{EVENTS.name}{{kind="api",outcome="bad"}}'
GOOD = f'{EVENTS.name}{{kind="api",outcome="good"}}'


def is_problem(reply: Reply, status: int) -> bool:
    assert reply.status == status, reply.body
    assert reply.headers["content-type"] == "application/problem+json"
    assert set(reply.json) >= {"type", "title", "status", "detail"}
    return bool(reply.json["status"] == status)


@pytest.mark.parametrize("key", [None, "wrong", "wrong " * 50])
@pytest.mark.parametrize("path", ["/v1/runs", f"/v1/runs/{NOBODY}"])
def test_without_a_valid_key_there_is_only_401(assistant: Assistant, path: str, key: str | None) -> None:
    method = "POST" if path == "/v1/runs" else "GET"
    reply = assistant.http(method, path, b"{}" if method == "POST" else None, key=key)
    assert is_problem(reply, 401)
    assert reply.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"\xff", 422),
        (b'{"question": ""}', 422),
        (b'{"question": 7}', 422),
        (b'{"question": "nul \\u0000 byte"}', 422),
        (b'{"question": "\\ud800"}', 422),
        (json.dumps({"question": "x" * 4_001}).encode(), 422),
        (b"[" * 60_000, 422),
        (json.dumps({"question": "x" * 1_000_000}).encode(), 413),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_body_that_is_no_question_is_refused(assistant: Assistant, body: bytes, status: int) -> None:
    assert is_problem(assistant.http("POST", "/v1/runs", body), status)


def test_a_chunked_body_is_counted_as_it_arrives(assistant: Assistant) -> None:
    connection = http.client.HTTPConnection(assistant.url.removeprefix("http://"), timeout=20)
    pieces = (b"x" * 10_000 for _ in range(100))
    headers = {"Authorization": f"Bearer {assistant.key}"}
    connection.request("POST", "/v1/runs", pieces, headers, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/v1/runs/{NOBODY}", 404),
        ("GET", "/v1/runs/seven", 404),
        ("GET", f"/v1/documents/{NOBODY}", 404),
        ("GET", "/v1/documents/%00", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/docs", 404),
        ("DELETE", "/v1/runs", 405),
    ],
)
def test_what_is_not_there_is_a_problem_too(assistant: Assistant, method: str, path: str, status: int) -> None:
    assert is_problem(assistant.http(method, path), status)


def test_the_same_key_gives_the_same_run_and_another_question_a_conflict(assistant: Assistant) -> None:
    first = assistant.submit("What is a lease?", Idempotency_Key="k-1")
    again = assistant.submit("What is a lease?", Idempotency_Key="k-1")
    assert (first.status, again.status) == (202, 202)
    assert first.json["id"] == again.json["id"]
    assert first.headers["location"] == first.json["links"]["self"] == f"/v1/runs/{first.json['id']}"
    assert is_problem(assistant.submit("What is a token?", Idempotency_Key="k-1"), 409)
    assert assistant.submit("What is a token?", Idempotency_Key="k-2").json["id"] != first.json["id"]


@pytest.mark.parametrize("key", ["", "x" * 201, "t\ta"])
def test_an_idempotency_key_has_a_form(assistant: Assistant, key: str) -> None:
    assert is_problem(assistant.submit("What is a lease?", Idempotency_Key=key), 422)


def test_a_run_is_shown_to_its_owner_only(assistant: Assistant) -> None:
    path = assistant.submit("What is a lease?").json["links"]["self"]
    other = assistant.folder / "other-key"
    other.write_text("another-key-of-sufficient-length", encoding="utf-8")
    assistant.call("keys", "add", "other", "--key-file", str(other))
    assert assistant.http("GET", path).status == 200
    assert is_problem(assistant.http("GET", path, key=other.read_text(encoding="utf-8")), 404)


def test_users_requests_are_events_and_gauges_are_numbers(assistant: Assistant) -> None:
    good = assistant.metric(GOOD)
    assistant.http("GET", f"/v1/runs/{NOBODY}")
    assistant.http("GET", "/healthz", key=None)
    assert assistant.metric(GOOD) == good + 1
    until(lambda: not any(math.isnan(assistant.metric(name)) for name in GAUGES), "gauges")
    exposed = assistant.http("GET", "/metrics", key=None).body.decode()
    assert f'{ERRORS.name}{{kind="unhandled"}} 0.0' in exposed


def test_without_its_database_the_api_says_so_and_recovers(assistant: Assistant) -> None:
    bad, errors = assistant.metric(BAD), assistant.metric(f'{ERRORS.name}{{kind="database"}}')
    assistant.server.stop()
    try:
        reply = assistant.submit("What is a lease?")
        assert is_problem(reply, 503)
        assert "retry-after" not in reply.headers
        assert assistant.metric(BAD) == bad + 1
        assert assistant.metric(f'{ERRORS.name}{{kind="database"}}') == errors + 1
        assert is_problem(assistant.http("GET", "/readyz", key=None), 503)
        assert assistant.http("GET", "/healthz", key=None).status == 200
        until(lambda: all(math.isnan(assistant.metric(name)) for name in GAUGES), "gauges drop to NaN")
    finally:
        assistant.server.start()
    until(lambda: answers(f"{assistant.url}/readyz"), "ready again")
    until(lambda: not any(math.isnan(assistant.metric(name)) for name in GAUGES), "gauges come back")
    assert assistant.ask("What is a lease?")["state"] == "done"


def test_a_database_without_a_schema_makes_the_api_not_ready(assistant: Assistant) -> None:
    port = free_port()
    empty = assistant.server.create_database("without_schema")
    process = assistant.start("api-empty", "api", "--port", str(port), DATABASE_URL=empty)
    until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "the second API answers")
    reply = assistant.http("GET", f"http://127.0.0.1:{port}/readyz", key=None)
    assert is_problem(reply, 503)
    assert "research-assistant migrate" in reply.json["detail"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_sigterm_lets_a_request_under_way_finish_and_tells_later_ones_to_come_back(assistant: Assistant) -> None:
    port = free_port()
    process = assistant.start("api-drained", "api", "--port", str(port))
    until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "the second API is ready")
    body = b'{"question": "What is a lease?"}'
    lines = [
        "POST /v1/runs HTTP/1.1",
        "Host: api",
        f"Authorization: Bearer {assistant.key}",
        f"Content-Length: {len(body)}",
        "Expect: 100-continue",
    ]
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100")  # the application waits for the body
        process.send_signal(signal.SIGTERM)
        until(lambda: assistant.http("GET", f"http://127.0.0.1:{port}/readyz", key=None).status == 503, "it drains")
        late = assistant.http("POST", f"http://127.0.0.1:{port}/v1/runs", body)
        assert is_problem(late, 503)
        assert late.headers["retry-after"] == "1"
        assert assistant.http("GET", f"http://127.0.0.1:{port}/healthz", key=None).status == 200
        until(lambda: "Shutting down" in assistant.log("api-drained"), "the API stops")
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 202")
    assert process.wait(20) == 0


def test_a_taken_port_is_named_with_what_to_do(assistant: Assistant) -> None:
    port = assistant.url.rsplit(":", 1)[1]
    done = assistant.call("api", "--port", port, check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}: cannot listen" in done.stderr
    assert "--port" in done.stderr
