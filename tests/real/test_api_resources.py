"""Documents, feedback, sessions, lists and usage on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from research_assistant import migrate, runs, sessions, usage
from research_assistant.settings import Settings

from tests.real.support.api_world import ApiWorld, api_world
from tests.real.support.pg import Postgres

MARKDOWN = {"Content-Type": "text/markdown; charset=utf-8"}
TEXT = "# Leases\n\nEvery claim hands out a larger number.\n"


@pytest.fixture(scope="module")
def settings(server: Postgres) -> Settings:
    given = {
        "DATABASE_URL": server.create_database("api_resources"),
        "RESEARCH_ASSISTANT_TENANT_DOCUMENTS": "3",
        "RESEARCH_ASSISTANT_TENANT_DOCUMENT_BYTES": "5000",
    }
    made = Settings.from_env(given, needs=("DATABASE_URL",))
    migrate.migrate(made)
    return made


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[ApiWorld]:
    async with api_world(settings) as made:
        for table in ("documents", "runs", "sessions", "llm_usage"):
            await made.rows(f"DELETE FROM {table} RETURNING 1")  # noqa: S608
        yield made


async def put(world: ApiWorld, name: str, text: str | bytes = TEXT, **headers: str) -> Any:
    given = {"params": {"name": name}, "content": text, "headers": MARKDOWN | headers}
    return await world.ask("POST", "/v1/documents", **given)


async def test_an_upload_is_listed_shown_replaced_and_deleted(world: ApiWorld) -> None:
    made = await put(world, "leases.md")
    assert made.status_code == 201
    listed = made.json()
    assert (listed["title"], listed["source"], listed["shared"], listed["uploaded_by"]) == (
        "Leases",
        "leases.md",
        False,
        "ann",
    )
    assert (listed["chunks"], listed["bytes"]) == (1, len(TEXT))
    assert made.headers["location"] == f"/v1/documents/{listed['id']}"
    assert (await put(world, "leases.md", "# Other\n\nAnother text of the same name.")).json()["id"] == listed["id"]
    assert [item["title"] for item in (await world.ask("GET", "/v1/documents")).json()["items"]] == ["Other"]
    assert (await world.ask("DELETE", made.headers["location"])).status_code == 204
    assert (await world.ask("GET", made.headers["location"])).status_code == 404
    assert (await world.ask("DELETE", made.headers["location"])).status_code == 404


@pytest.mark.parametrize(
    ("name", "text", "headers", "status"),
    [
        ("a.md", b"", {}, 422),
        ("a.md", b" \n", {}, 422),
        ("a.md", b"\xff\xfe", {}, 422),
        ("a.md", b"nul \0 byte", {}, 422),
        ("", b"text", {}, 422),
        ("../a.md", b"text", {}, 422),
        ("x" * 201, b"text", {}, 422),
        ("a.md", b"text", {"Content-Type": "application/pdf"}, 415),
        ("a.md", b"x" * 1_000_001, {}, 413),
        ("a.md", b"word " * 1_200, {}, 413),
    ],
    ids=["empty", "blank", "bytes", "nul", "no name", "path", "long name", "type", "long", "quota"],
)
async def test_what_is_no_text_or_too_much_of_it_is_refused(
    world: ApiWorld, name: str, text: bytes, headers: dict[str, str], status: int
) -> None:
    reply = await put(world, name, text, **headers)
    assert (reply.status_code, reply.json()["status"]) == (status, status)


async def test_the_quota_holds_when_uploads_come_at_once(world: ApiWorld) -> None:
    replies = await asyncio.gather(*(put(world, f"{number}.md") for number in range(8)))
    assert sorted(reply.status_code for reply in replies) == [201] * 3 + [413] * 5
    assert (await put(world, "0.md" if replies[0].status_code == 201 else "1.md")).status_code in (201, 413)
    assert (await world.rows("SELECT count(*) FROM documents"))[0]["count"] == 3


async def test_a_list_of_runs_has_pages_without_gaps_or_repetitions(world: ApiWorld) -> None:
    ids = [str(await world.run(f"Question {number}?")) for number in range(5)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await world.ask("GET", "/v1/runs", params={"limit": 2, **cursor})).json()
        found += [run["id"] for run in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == ids[::-1]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/runs?limit=0", "limit"),
        ("/v1/runs?limit=101", "limit"),
        ("/v1/runs?limit=many", "limit"),
        ("/v1/runs?cursor=x", "cursor"),
        ("/v1/runs?cursor=MjAyNi0xMS0yOCA3", "cursor"),
        ("/v1/documents?cursor=%00", "cursor"),
        ("/v1/usage?days=0", "days"),
        ("/v1/usage?days=400", "days"),
    ],
)
async def test_a_parameter_that_is_not_as_described_is_named(world: ApiWorld, path: str, field: str) -> None:
    reply = await world.ask("GET", path)
    assert (reply.status_code, reply.json()["field"]) == (422, field)
    assert reply.headers["content-type"] == "application/problem+json"


async def test_a_caller_has_one_word_on_a_run_and_may_change_it(world: ApiWorld) -> None:
    run = await world.run()
    path = f"/v1/runs/{run}/feedback"
    await world.key("cid", "a")
    await world.ask("POST", path, json={"score": 1, "text": "wrong"})
    await world.ask("POST", path, "cid", json={"score": 4})
    assert (await world.ask("POST", path, json={"score": 5})).json()["text"] == ""
    words = (await world.ask("GET", path)).json()["items"]
    assert {(word["owner"], word["score"]) for word in words} == {("ann", 5), ("cid", 4)}


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"score": 0},
        {"score": 6},
        {"score": 4.5},
        {"score": "5"},
        {"score": True},
        {"score": 5, "text": "x" * 2_001},
    ],
)
async def test_a_score_is_a_whole_number_from_1_to_5(world: ApiWorld, content: Any) -> None:
    run = await world.run()
    assert (await world.ask("POST", f"/v1/runs/{run}/feedback", json=content)).status_code == 422


async def test_a_session_gives_its_last_turns_to_the_next_question(world: ApiWorld) -> None:
    session = (await world.ask("POST", "/v1/sessions")).json()["id"]
    for number in range(5):
        await world.finish(await world.run(f"Question {number}?", session_id=session), f"Answer {number}. " * 200)
    follow_up = await runs.get(world.pool, await world.run("And why?", session_id=session))
    assert follow_up is not None
    given = await sessions.given(world.pool, follow_up)
    assert (given["question"], given["tenant"]) == ("And why?", "a")
    assert [turn["question"] for turn in given["history"]] == ["Question 2?", "Question 3?", "Question 4?"]
    assert all(len(turn["answer"]) == sessions.MAX_ANSWER_CHARS for turn in given["history"])
    shown = (await world.ask("GET", f"/v1/sessions/{session}", params={"limit": 2})).json()
    assert [run["question"] for run in shown["items"]] == ["And why?", "Question 4?"]
    assert shown["next"]


async def test_a_question_outside_a_session_has_no_history(world: ApiWorld) -> None:
    run = await runs.get(world.pool, await world.run())
    assert run is not None
    assert (await sessions.given(world.pool, run))["history"] == []


async def test_usage_counts_the_tenants_runs_and_spending_by_day(world: ApiWorld) -> None:
    run = await world.run()
    await world.finish(run)
    await usage.record(world.pool, run, "primary", "gpt-4o", 100, 20, 0.5)
    await usage.record(world.pool, None, "primary", "gpt-4o", 7, 0, 0.1)
    await world.rows(
        "UPDATE runs SET submitted_at = submitted_at - interval '40 days' WHERE id = %s RETURNING 1", await world.run()
    )
    used = (await world.ask("GET", "/v1/usage", params={"days": 30})).json()
    assert (used["tenant"], used["timezone"], used["usd"]) == ("a", "Asia/Seoul", 0.5)
    assert [
        {key: day[key] for key in ("runs", "done", "failed", "input_tokens", "output_tokens", "usd")}
        for day in used["days"]
    ] == [{"runs": 1, "done": 1, "failed": 0, "input_tokens": 100, "output_tokens": 20, "usd": 0.5}]
    assert (await world.ask("GET", "/v1/usage", "bob")).json()["days"] == []
