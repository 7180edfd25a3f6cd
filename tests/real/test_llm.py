"""The LLM client against an endpoint that misbehaves on the wire: how often it calls, how it fails, what it bills."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from research_assistant import db, migrate, provider
from research_assistant.errors import RunError
from research_assistant.llm import Llm, Request, open_llm
from research_assistant.settings import Settings

from tests.real.support.endpoint import Answer, endpoint
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.real.support.pg import Postgres

numbers = itertools.count()
ASK = Request("TASK: plan", "Why?", 100)


def completion(content: str = "Because.", finish_reason: str = "stop") -> Answer:
    choice = {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": content}}
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    body = {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "gpt-4o",
        "choices": [choice],
        "usage": usage,
    }
    return Answer(body=json.dumps(body).encode())


def error(status: int, code: str = "", **headers: str) -> Answer:
    given = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    body = json.dumps({"error": {"message": "no", "type": code or "error", "code": code or None}}).encode()
    return Answer(status, body, (("Content-Type", "application/json"), *given))


HTML = Answer(body=b"<html>Bad gateway</html>", headers=(("Content-Type", "text/html"),))


@pytest.fixture(scope="module")
def database(server: Postgres) -> str:
    url = server.create_database("llm")
    migrate.migrate(Settings.from_env({"DATABASE_URL": url}, needs=()))
    return url


@pytest.fixture
async def pool(database: str) -> AsyncIterator[db.Pool]:
    async with await db.open_pool(Settings.from_env({"DATABASE_URL": database}, needs=()), max_size=4) as opened:
        await provider.switch(opened, "primary")
        yield opened


def client(pool: db.Pool, primary: str, secondary: str = "", seconds: float = 30.0) -> Llm:
    environ = {"OPENAI_BASE_URL": primary, "OPENAI_SECONDARY_BASE_URL": secondary, "OPENAI_API_KEY": "k"}
    return replace(open_llm(Settings.from_env(environ, needs=()), pool), total_seconds=seconds)


async def billed(pool: db.Pool) -> tuple[int, float]:
    async with pool.connection() as conn:
        row = await (
            await conn.execute("SELECT count(*) AS n, coalesce(sum(usd), 0)::float8 AS usd FROM llm_usage")
        ).fetchone()
    assert row is not None
    return row["n"], row["usd"]


@pytest.mark.parametrize(
    ("answers", "kind", "calls"),
    [
        ([error(500)], "llm_server", 2),
        ([error(503), error(529)], "llm_server", 2),
        ([error(429, "rate_limit_exceeded", retry_after="0.1")], "llm_rate_limit", 2),
        ([error(429, "rate_limit_exceeded", retry_after="100")], "llm_rate_limit", 1),
        ([error(429, "insufficient_quota")], "llm_rate_limit", 1),
        ([error(401, "invalid_api_key")], "llm_auth", 1),
        ([error(400, "context_length_exceeded")], "llm_request", 1),
        ([error(404, "model_not_found")], "llm_request", 1),
        ([error(500), error(401)], "llm_auth", 2),
        ([HTML], "llm_invalid", 1),
        ([Answer(body=b'{"id": ')], "llm_invalid", 1),
        ([Answer(body=b"null")], "llm_invalid", 1),
        ([Answer(body=b"[]")], "llm_invalid", 1),
        ([Answer(body=b'{"choices": []}')], "llm_invalid", 1),
        ([Answer(body=b'{"id": "x", "choices": [', announced=5000)], "llm_connection", 2),
        ([completion(finish_reason="length")], "llm_invalid", 1),
        ([completion(content="")], "llm_invalid", 1),
        ([Answer(delay=30)], "llm_timeout", 1),
    ],
    ids=lambda value: str(value)[:70],
)
async def test_each_way_to_fail_has_its_kind_and_its_number_of_calls(
    pool: db.Pool, answers: list[Answer], kind: str, calls: int
) -> None:
    with endpoint(*answers) as misbehaving:
        llm = client(pool, f"{misbehaving.url}/v1", seconds=4.0 if answers[0].delay else 30.0)
        with pytest.raises(RunError) as raised:
            await llm.chat(None, ASK)
        await llm.clients["primary"].close()
    assert (raised.value.kind, len(misbehaving.calls)) == (kind, calls)


async def test_an_endpoint_that_is_not_there_is_a_connection_error(pool: db.Pool) -> None:
    with pytest.raises(RunError) as raised:
        await client(pool, "http://127.0.0.1:1/v1").chat(None, ASK)
    assert raised.value.kind == "llm_connection"


async def test_one_more_try_is_enough_after_a_passing_failure_and_waits_as_asked(pool: db.Pool) -> None:
    with endpoint(error(429, "rate_limit_exceeded", retry_after="1"), completion()) as recovering:
        llm = client(pool, f"{recovering.url}/v1")
        assert await llm.chat(None, ASK) == "Because."
        await llm.clients["primary"].close()
    assert recovering.calls[1] - recovering.calls[0] >= 1.0


async def test_a_call_is_billed_once_even_when_its_answer_is_unusable(pool: db.Pool) -> None:
    count, usd = await billed(pool)
    with endpoint(completion(), completion(finish_reason="length")) as costly:
        llm = client(pool, f"{costly.url}/v1")
        await llm.chat(None, ASK)
        with pytest.raises(RunError):
            await llm.chat(None, ASK)
        await llm.clients["primary"].close()
    after_count, after_usd = await billed(pool)
    assert after_count == count + 2
    assert after_usd == pytest.approx(usd + 2 * (1000 * 0.01 + 100 * 0.03) / 1000)


async def test_the_second_try_goes_where_the_provider_was_switched_to_meanwhile(pool: db.Pool) -> None:
    with endpoint(error(503, retry_after="1")) as primary, endpoint(completion("From the second.")) as secondary:
        llm = client(pool, f"{primary.url}/v1", f"{secondary.url}/v1")

        async def switch() -> None:
            await asyncio.to_thread(until, lambda: primary.calls, "the first try")
            await provider.switch(pool, "secondary")

        answer, _ = await asyncio.gather(llm.chat(None, ASK), switch())
        for each in llm.clients.values():
            await each.close()
    assert answer == "From the second."
    assert (len(primary.calls), len(secondary.calls)) == (1, 1)


async def test_a_switch_to_an_endpoint_that_is_not_configured_fails_the_run_and_says_so(pool: db.Pool) -> None:
    await provider.switch(pool, "secondary")
    with pytest.raises(RunError, match="not configured") as raised:
        await client(pool, "http://127.0.0.1:1/v1").chat(None, ASK)
    assert raised.value.kind == "llm_connection"
