"""The events of a run as a stream: in order, resumable, bounded, and over when the run is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from research_assistant import runs
from research_assistant.api import streams
from research_assistant.settings import Settings

from tests.real.support.api_world import ApiWorld, api_world, migrated
from tests.real.support.pg import Postgres
from tests.real.support.waiting import until_async


@pytest.fixture(scope="module")
def settings(server: Postgres) -> Settings:
    return migrated(server, "api_streams")


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[ApiWorld]:
    async with api_world(settings) as made:
        yield made


def events_of(text: str) -> list[dict[str, Any]]:
    """Return the events of a stream's text."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append({**fields, "data": json.loads(fields["data"])})
    return found


async def test_a_finished_runs_life_is_told_in_order_and_ends(world: ApiWorld) -> None:
    run = await world.run()
    await world.finish(run)
    reply = await world.ask("GET", f"/v1/runs/{run}/events")
    assert reply.headers["content-type"].startswith("text/event-stream")
    told = events_of(reply.text)
    assert [each["event"] for each in told] == ["queued", "claimed", "done"]
    stored = await world.rows("SELECT id FROM run_events WHERE run_id = %s ORDER BY id", run)
    assert [int(each["id"]) for each in told] == [row["id"] for row in stored]
    assert set(told[0]["data"]) == {"node", "task", "at"}


async def test_what_a_client_has_is_not_sent_again_and_after_the_end_there_is_204(world: ApiWorld) -> None:
    run = await world.run()
    await world.finish(run)
    path = f"/v1/runs/{run}/events"
    told = events_of((await world.ask("GET", path)).text)
    rest = await world.ask("GET", path, headers={"Last-Event-ID": told[0]["id"]})
    assert events_of(rest.text) == told[1:]
    over = await world.ask("GET", path, headers={"Last-Event-ID": told[-1]["id"]})
    assert (over.status_code, over.text) == (204, "")


@pytest.mark.parametrize("wrong", ["seven", "-1", "9" * 20, "1.5"])
async def test_a_last_event_id_that_is_none_is_refused(world: ApiWorld, wrong: str) -> None:
    run = await world.run()
    reply = await world.ask("GET", f"/v1/runs/{run}/events", headers={"Last-Event-ID": wrong})
    assert (reply.status_code, reply.json()["status"]) == (422, 422)


async def test_a_live_run_is_followed_while_it_happens(world: ApiWorld) -> None:
    run = await world.run()
    with world.service.streams.listener("a", run, 0) as listener:
        following = world.service.streams.events(listener)
        assert (await anext(following)).event == "queued"  # type: ignore[union-attr]
        await world.finish(run)
        assert [event.event async for event in following if event] == ["claimed", "done"]


async def test_a_row_that_becomes_visible_late_is_still_sent_once(world: ApiWorld) -> None:
    run = await world.run()
    insert = """
        INSERT INTO run_events (run_id, fence, worker, pid, event, at)
        VALUES (%s, 1, 'w', 1, %s, now() - interval '1 s')
    """
    with world.service.streams.listener("a", run, 0) as listener:
        following = world.service.streams.events(listener)
        assert (await anext(following)).event == "queued"  # type: ignore[union-attr]
        async with world.pool.connection() as slow, slow.transaction():
            await slow.execute(insert, (run, "claimed"))
            async with world.pool.connection() as quick:
                await quick.execute(insert, (run, "released"))
            first = await anext(following)
        second = await anext(following)
        assert first is not None
        assert second is not None
        assert (first.event, second.event) == ("released", "claimed")
        assert second.id < first.id


async def _all_listen(hub: streams.Streams, count: int) -> bool:
    return len(hub) == count


async def test_many_listeners_cost_one_query(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    read = streams.rows

    async def counting(pool: Any, after: Any, settled: float = 0) -> Any:
        asked.append(len(after))
        return await read(pool, after, settled)

    monkeypatch.setattr(streams, "rows", counting)
    async with api_world(settings) as world:
        ids = [await world.run(f"Question {number}?") for number in range(10)]
        replies = [asyncio.create_task(world.ask("GET", f"/v1/runs/{run}/events")) for run in ids for _ in range(2)]
        await until_async(lambda: _all_listen(world.service.streams, len(replies)), "every listener")
        for run in ids:
            await world.finish(run)
        texts = [(await reply).text for reply in replies]
    assert all([each["event"] for each in events_of(text)] == ["queued", "claimed", "done"] for text in texts)
    assert max(asked) == len(ids)
    assert len(asked) < len(replies)


async def test_streams_are_bounded_for_each_tenant_and_in_all(world: ApiWorld) -> None:
    hub = streams.Streams(world.pool, limit=3, tenant_limit=2)
    run = uuid4()
    with hub.listener("a", run, 0), hub.listener("a", run, 0):
        with pytest.raises(streams.TooManyStreams), hub.listener("a", run, 0):
            pass
        with hub.listener("b", run, 0), pytest.raises(streams.TooManyStreams), hub.listener("c", run, 0):
            pass
    with hub.listener("a", run, 0):
        assert len(hub) == 1


async def test_one_stream_too_many_is_told_to_come_back(settings: Settings) -> None:
    async with api_world(settings) as world:
        full = streams.Streams(world.pool, tenant_limit=0)
        object.__setattr__(world.service, "streams", full)
        reply = await world.ask("GET", f"/v1/runs/{await world.run()}/events")
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")


async def test_a_quiet_stream_has_a_heartbeat_and_ends_when_the_process_stops(world: ApiWorld) -> None:
    hub = streams.Streams(world.pool)
    with hub.listener("a", uuid4(), 0) as listener:
        quiet = hub.events(listener, heartbeat=0.01)
        assert await anext(quiet) is None
        hub.close()
        assert [event async for event in quiet if event] == []


async def test_a_cancelled_run_ends_its_stream(world: ApiWorld) -> None:
    run = await world.run()
    reply = await world.ask("DELETE", f"/v1/runs/{run}")
    assert (reply.status_code, reply.json()["state"]) == (202, "cancelled")
    told = events_of((await world.ask("GET", f"/v1/runs/{run}/events")).text)
    assert [each["event"] for each in told] == ["queued", "cancelled"]
    assert await runs.claim(world.pool, run, "w") is None
