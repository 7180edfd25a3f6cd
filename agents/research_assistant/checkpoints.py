"""LangGraph's PostgreSQL checkpoints behind the fence: a stale worker can read them but not write them.

LangGraph itself lets two processes run one thread and forks its chain without an error (langgraph #8796), so every
write takes a shared lock on the run's row and compares the fence inside its own transaction: a newer claim either waits
for the write or makes it fail.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from langgraph.checkpoint.base import WRITES_IDX_MAP
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

from research_assistant import runs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata

    from research_assistant.db import Connection, Pool


class FencedSaver(AsyncPostgresSaver):
    """Save checkpoints of runs whose `configurable` names `run_id` and `fence`; raise LostLease for a stale fence.

    One instance serves all runs of a process. Writes of one run are made in the order they were asked for, so that the
    `finished` row of a node is always there before the checkpoint that follows from it.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._pool = pool
        self._orders: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint if the fence still holds."""
        async with self._fenced(config) as conn:
            return await AsyncPostgresSaver(conn, serde=self.serde).aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Save what a node wrote and, in the same transaction, the ledger row that says that the node is finished."""
        async with self._fenced(config) as conn:
            await AsyncPostgresSaver(conn, serde=self.serde).aput_writes(config, writes, task_id, task_path)
            if not any(channel in WRITES_IDX_MAP for channel, _ in writes):  # errors and interrupts finish nothing
                await _note_finished(conn, config, task_id)

    @asynccontextmanager
    async def _fenced(self, config: RunnableConfig) -> AsyncIterator[Connection]:
        """Yield a connection in a transaction that holds the run's fence, one at a time for each run."""
        run_id = str(config["configurable"]["run_id"])
        order = self._orders.setdefault(run_id, asyncio.Lock())
        async with order, self._pool.connection() as conn, conn.transaction():
            await self._hold_fence(conn, run_id, config["configurable"]["fence"])
            yield conn

    async def _hold_fence(self, conn: Connection, run_id: str, fence: int) -> None:
        await runs.hold_fence(conn, run_id, fence)


async def _note_finished(conn: Connection, config: RunnableConfig, task_id: str) -> None:
    who = config["configurable"]
    query = """
        INSERT INTO run_events (run_id, fence, worker, pid, event, node, task_id)
        SELECT run_id, fence, worker, pid, 'finished', node, task_id FROM run_events
        WHERE run_id = %s AND fence = %s AND task_id = %s AND event = 'started' LIMIT 1
    """
    await conn.execute(query, (who["run_id"], who["fence"], task_id))
