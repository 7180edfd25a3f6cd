from __future__ import annotations

import asyncio
import logging

import httpx
import pytest
from research_assistant.api.observe import Observed, outcome
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bongsu.core.conventions import ERRORS, EVENTS
from bongsu.telemetry import metrics as m


def answering(status: int, **headers: str) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        await Response("", status, given)(scope, receive, send)

    return app


async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise LookupError("a bug")


async def hanging(_scope: Scope, _receive: Receive, _send: Send) -> None:
    await asyncio.Event().wait()


async def get(app: Observed, path: str = "/v1/runs") -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as http:
        return await http.get(path)


def count(name: str, **labels: str) -> float:
    return m.registry.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("status", "retry_after", "expected"),
    [
        (200, False, "good"),
        (404, False, "good"),
        (422, False, "good"),
        (429, False, "shed"),
        (503, True, "shed"),
        (503, False, "bad"),
        (500, True, "bad"),
        (504, False, "bad"),
        (0, False, "bad"),
    ],
)
def test_the_outcome_of_a_request_follows_from_its_status(status: int, retry_after: bool, expected: str) -> None:
    assert outcome(status, retry_after=retry_after) == expected


async def test_each_request_of_a_user_is_one_event() -> None:
    before = count(EVENTS.name, kind="api", outcome="good")
    await get(Observed(answering(404)))
    assert count(EVENTS.name, kind="api", outcome="good") == before + 1


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
async def test_scrapes_and_probes_are_no_events(path: str) -> None:
    before = [count(EVENTS.name, kind="api", outcome=each) for each in ("good", "bad", "shed")]
    await get(Observed(answering(200)), path)
    assert [count(EVENTS.name, kind="api", outcome=each) for each in ("good", "bad", "shed")] == before


async def test_each_request_of_a_user_is_a_log_line_without_its_path_and_a_probe_is_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "research_assistant")
    for path in ("/v1/runs/secret?key=1", "/metrics", "/static/x/page.css", "/"):
        await get(Observed(answering(404)), path)
    told = [
        (each.levelname, *(each.__dict__[name] for name in ("method", "route", "status")))
        for each in caplog.records
        if each.name.startswith("research_assistant")
    ]
    assert told == [("INFO", "GET", "unmatched", 404)] * 2


async def test_a_request_that_we_failed_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "research_assistant")
    await get(Observed(answering(503)))
    await get(Observed(answering(503, retry_after="1")))
    assert [(each.levelname, each.__dict__["status"]) for each in caplog.records] == [("WARNING", 503)]


async def test_an_unhandled_error_is_a_problem_for_the_caller_and_counted_once() -> None:
    bad, errors = count(EVENTS.name, kind="api", outcome="bad"), count(ERRORS.name, kind="unhandled")
    answer = await get(Observed(broken))
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "bug" not in answer.text
    assert count(EVENTS.name, kind="api", outcome="bad") == bad + 1
    assert count(ERRORS.name, kind="unhandled") == errors + 1


async def test_a_request_that_takes_too_long_is_ended() -> None:
    bad = count(EVENTS.name, kind="api", outcome="bad")
    answer = await get(Observed(hanging, deadline=0.01))
    assert (answer.status_code, answer.json()["status"]) == (504, 504)
    assert count(EVENTS.name, kind="api", outcome="bad") == bad + 1


async def test_too_many_requests_at_once_are_told_to_come_back() -> None:
    entered = asyncio.Event()

    async def busy(_scope: Scope, _receive: Receive, _send: Send) -> None:
        entered.set()
        await asyncio.Event().wait()

    app = Observed(busy, max_in_flight=1)
    first = asyncio.create_task(get(app))
    await entered.wait()
    answer = await get(app)
    first.cancel()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
