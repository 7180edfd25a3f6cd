"""The ledger's `started` rows: which node of which run began, under which fence, in which process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from langgraph.runtime import get_runtime

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from research_assistant.db import Pool


async def node_started(pool: Pool, config: RunnableConfig, node: str) -> None:
    """Write the `started` row of the node this is called from, before its body does anything.

    Its `finished` row is written by checkpoints.FencedSaver, in the transaction that makes the node's result durable.
    """
    task = get_runtime().execution_info
    if task is None:
        raise RuntimeError(f"node {node} does not run inside a graph")
    who = config["configurable"]
    query = """
        INSERT INTO run_events (run_id, fence, worker, pid, event, node, task_id)
        VALUES (%s, %s, %s, %s, 'started', %s, %s)
    """
    async with pool.connection() as conn:
        await conn.execute(query, (who["run_id"], who["fence"], who["worker"], os.getpid(), node, task.task_id))
