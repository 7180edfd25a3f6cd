"""The ledger's `started` rows: which node of which run began, under which fence, in which process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from langgraph.runtime import get_runtime

from research_assistant import runs

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from research_assistant.db import Pool


HOLDS = "AND fence = %(fence)s AND state = 'running'"
"""What makes a stale worker's row no row. A shared lock, as in runs.hold_fence, in one statement: every node pays."""


async def node_started(pool: Pool, config: RunnableConfig, node: str) -> None:
    """Write the `started` row of the node this is called from, before its body does anything. Raises LostLease.

    Its `finished` row is written by checkpoints.FencedSaver, in the transaction that makes the node's result durable.
    """
    task = get_runtime().execution_info
    if task is None:
        raise RuntimeError(f"node {node} does not run inside a graph")
    who = config["configurable"]
    query = f"""
        INSERT INTO run_events (run_id, fence, worker, pid, event, node, task_id)
        SELECT id, %(fence)s, %(worker)s, %(pid)s, 'started', %(node)s, %(task)s
        FROM runs WHERE id = %(run)s {HOLDS} FOR SHARE
    """  # noqa: S608 - a constant
    values = {
        "run": who["run_id"],
        "fence": who["fence"],
        "worker": who["worker"],
        "pid": os.getpid(),
        "node": node,
        "task": task.task_id,
    }
    async with pool.connection() as conn:
        if (await conn.execute(query, values)).rowcount == 0:
            raise runs.lost_lease(who["run_id"], who["fence"])
