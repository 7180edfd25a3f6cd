"""Runs, keys, provider and usage on a real database: what one transaction promises and what the fence rejects."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from research_assistant import db, keys, migrate, provider, queue, runs, usage
from research_assistant.checkpoints import FencedSaver
from research_assistant.errors import ConflictError
from research_assistant.settings import Settings

from bongsu.core.conventions import FENCED_WRITES
from bongsu.core.errors import UsageError
from bongsu.telemetry import metrics as m

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.real.support.pg import Postgres

numbers = itertools.count()
SECRET = "a-secret-of-more-than-twenty-four-characters"


@pytest.fixture
def settings(server: Postgres) -> Settings:
    """Migrate a fresh database."""
    made = Settings.from_env({"DATABASE_URL": server.create_database(f"runs_{next(numbers)}")}, needs=())
    migrate.migrate(made)
    return made


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[db.Pool]:
    async with await db.open_pool(settings, max_size=8) as opened:
        yield opened


async def rows(pool: db.Pool, query: str, *args: Any) -> list[dict[str, Any]]:
    async with pool.connection() as conn:
        return await (await conn.execute(query, args)).fetchall()


async def asked(pool: db.Pool, question: str, owner: str = "me", key: str | None = None) -> runs.Run:
    run, _ = await runs.submit(pool, runs.Order(question, owner, tenant=owner, idempotency_key=key))
    return run


async def claimed(pool: db.Pool, run: runs.Run) -> runs.Claim:
    claim = await runs.claim(pool, run.id, "worker")
    assert claim is not None
    return claim


def rejected() -> float:
    return m.registry.get_sample_value(FENCED_WRITES.name) or 0.0


async def test_a_submitted_run_and_its_job_appear_together(pool: db.Pool) -> None:
    run = await asked(pool, "why?")
    assert await runs.get(pool, run.id) == run
    assert run.state == "queued"
    assert await rows(pool, "SELECT dedupe_key FROM pgqueuer") == [{"dedupe_key": str(run.id)}]
    waiting = await queue.depths_and_ages(pool)
    assert waiting["batch"] == (0, 0.0)
    depth, age = waiting["interactive"]
    assert depth == 1
    assert 0 <= age < 60


async def test_one_idempotency_key_submitted_ten_times_at_once_makes_one_run_and_one_job(pool: db.Pool) -> None:
    made = await asyncio.gather(*(asked(pool, "why?", key="k") for _ in range(10)))
    assert len({run.id for run in made}) == 1
    assert len(await rows(pool, "SELECT FROM pgqueuer")) == 1


async def test_an_idempotency_key_belongs_to_its_owner_and_to_one_question(pool: db.Pool) -> None:
    mine = await asked(pool, "why?", key="k")
    yours = await asked(pool, "how?", key="k", owner="you")
    assert mine.id != yours.id
    with pytest.raises(ConflictError, match="another question"):
        await asked(pool, "how?", key="k")


async def test_an_unknown_run_is_none(pool: db.Pool) -> None:
    assert await runs.get(pool, uuid4()) is None
    assert await runs.claim(pool, uuid4(), "worker") is None


async def test_each_claim_raises_the_fence_and_keeps_the_first_start(pool: db.Pool) -> None:
    run = await asked(pool, "why?")
    first, second = await claimed(pool, run), await claimed(pool, run)
    assert (first.fence, second.fence) == (1, 2)
    assert second.run.started_at == first.run.started_at
    assert second.age_seconds > first.age_seconds == 0


async def test_a_result_under_an_old_fence_is_rejected_and_counted(pool: db.Pool) -> None:
    run = await asked(pool, "why?")
    stale, newest = await claimed(pool, run), await claimed(pool, run)
    before = rejected()
    with pytest.raises(runs.LostLease):
        await runs.finish(pool, stale, answer="stale", citations=[], run_class="simple")
    with pytest.raises(runs.LostLease):
        await runs.fail(pool, stale, kind="search", detail="stale")
    assert rejected() - before == 2
    assert await runs.finish(pool, newest, answer="newest", citations=[{"number": 1}], run_class="simple") >= 0
    ended = await runs.get(pool, run.id)
    assert ended is not None
    assert (ended.state, ended.answer, ended.citations) == ("done", "newest", [{"number": 1}])


async def test_a_run_ends_once_even_under_the_same_fence(pool: db.Pool) -> None:
    claim = await claimed(pool, await asked(pool, "why?"))
    await runs.fail(pool, claim, kind="search", detail="gone")
    with pytest.raises(runs.LostLease):
        await runs.finish(pool, claim, answer="late", citations=[], run_class="simple")
    assert await runs.claim(pool, claim.run.id, "another") is None
    assert len(await rows(pool, "SELECT FROM run_events WHERE event IN ('done', 'failed')")) == 1


async def test_a_claim_waits_for_a_write_that_holds_the_fence(pool: db.Pool) -> None:
    claim = await claimed(pool, await asked(pool, "why?"))
    async with db.transaction(pool) as conn:
        await runs.hold_fence(conn, claim.run.id, claim.fence)
        taking = asyncio.create_task(runs.claim(pool, claim.run.id, "another"))
        waits = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%UPDATE runs%%'"
        async with asyncio.timeout(30):
            while not await rows(pool, waits):  # noqa: ASYNC110 - another session's wait has no event
                await asyncio.sleep(0.02)
        assert not taking.done()
    taken = await taking
    assert taken is not None
    assert taken.fence == 2


async def test_a_stale_checkpoint_and_stale_node_writes_leave_nothing_behind(pool: db.Pool) -> None:
    run = await asked(pool, "why?")
    stale, newest = await claimed(pool, run), await claimed(pool, run)
    saver = FencedSaver(pool)

    def config(claim: runs.Claim, **more: str) -> Any:
        who = {
            "thread_id": str(run.id),
            "run_id": str(run.id),
            "fence": claim.fence,
            "worker": "w",
            "checkpoint_ns": "",
        }
        return {"configurable": {**who, **more}}

    checkpoint = empty_checkpoint()
    before = rejected()
    with pytest.raises(runs.LostLease):
        await saver.aput(config(stale), checkpoint, {}, {})
    with pytest.raises(runs.LostLease):
        await saver.aput_writes(config(stale, checkpoint_id=checkpoint["id"]), [("answer", "stale")], "task")
    assert rejected() - before == 2
    assert await rows(pool, "SELECT FROM checkpoints") == await rows(pool, "SELECT FROM checkpoint_writes") == []
    await saver.aput(config(newest), checkpoint, {}, {})
    assert len(await rows(pool, "SELECT FROM checkpoints")) == 1


async def test_a_node_is_finished_in_the_ledger_exactly_when_its_writes_are_durable(pool: db.Pool) -> None:
    claim = await claimed(pool, await asked(pool, "why?"))
    who = {"run_id": str(claim.run.id), "fence": claim.fence, "worker": "w", "checkpoint_ns": "", "checkpoint_id": "c"}
    config: Any = {"configurable": {"thread_id": str(claim.run.id), **who}}
    async with pool.connection() as conn:
        for task in ("good", "failed"):
            await conn.execute(
                """INSERT INTO run_events (run_id, fence, worker, pid, event, node, task_id)
                   VALUES (%s, 1, 'w', 1, 'started', 'critic', %s)""",
                (claim.run.id, task),
            )
    saver = FencedSaver(pool)
    await saver.aput_writes(config, [("answer", "a")], "good")
    await saver.aput_writes(config, [("__error__", "e")], "failed")
    finished = await rows(pool, "SELECT task_id FROM run_events WHERE event = 'finished'")
    assert finished == [{"task_id": "good"}]


async def test_only_the_hash_of_an_api_key_is_stored_and_only_the_right_secret_is_known(pool: db.Pool) -> None:
    await keys.add(pool, "alice", SECRET)
    await keys.add(pool, "alice", SECRET)
    known = await keys.verify(pool, SECRET)
    assert known == keys.Caller("alice", "alice", frozenset(keys.DEFAULT_SCOPES))
    assert await keys.verify(pool, SECRET + "x") is None
    assert SECRET not in str(await rows(pool, "SELECT * FROM api_keys"))
    await keys.add(pool, "alice", SECRET + "-replaced")
    assert await keys.verify(pool, SECRET) is None
    with pytest.raises(UsageError, match="another name"):
        await keys.add(pool, "bob", SECRET + "-replaced")
    with pytest.raises(UsageError, match="24"):
        await keys.add(pool, "bob", "short")


async def test_a_switch_of_the_provider_is_seen_by_the_next_read(pool: db.Pool) -> None:
    assert await provider.active(pool) == "primary"
    await provider.switch(pool, "secondary")
    assert await provider.active(pool) == "secondary"
    with pytest.raises(UsageError, match="primary or secondary"):
        await provider.switch(pool, "tertiary")


async def test_spend_is_summed_from_an_instant_on(pool: db.Pool) -> None:
    run = await asked(pool, "why?")
    await usage.record(pool, run.id, "primary", "gpt-4o", 100, 10, 0.25)
    await usage.record(pool, None, "secondary", "gpt-4o", 100, 10, 0.5)
    now = datetime.now(UTC)
    assert await usage.spent_since(pool, now - timedelta(minutes=1)) == 0.75
    assert await usage.spent_since(pool, now + timedelta(minutes=1)) == 0
