"""The questions a test asks of the ledger: what must be empty after any violence."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from bongsu.core.conventions import NODES


class Ledger:
    """A database with runs in it, seen over one connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.conn = self._connect()

    def close(self) -> None:
        self.conn.close()

    def reconnect(self) -> None:
        """Connect again after the server was gone."""
        self.conn.close()
        self.conn = self._connect()

    def _connect(self) -> psycopg.Connection[dict[str, Any]]:
        return psycopg.connect(self.url, autocommit=True, row_factory=dict_row)

    def rows(self, query: str, *args: Any) -> list[dict[str, Any]]:
        return self.conn.execute(query, args).fetchall()

    def one(self, query: str, *args: Any) -> Any:
        """Return the only column of the only row."""
        return next(iter(self.rows(query, *args)[0].values()))

    def not_done(self) -> list[dict[str, Any]]:
        return self.rows("SELECT id, state, fence, error_kind, error_detail FROM runs WHERE state <> 'done'")

    def final_twice(self) -> list[dict[str, Any]]:
        """Return runs that have more or fewer than one final row in the ledger."""
        return self.rows(
            """SELECT r.id, count(e.id) FROM runs r
               LEFT JOIN run_events e ON e.run_id = r.id AND e.event IN ('done', 'failed', 'cancelled')
               GROUP BY r.id HAVING count(e.id) <> 1"""
        )

    def rerun_nodes(self) -> list[dict[str, Any]]:
        """Return nodes that were started again under a later fence although they were finished."""
        return self.rows(
            """SELECT s.run_id, s.node, f.fence AS finished_under, s.fence AS started_under
               FROM run_events f JOIN run_events s ON s.run_id = f.run_id AND s.task_id = f.task_id
               WHERE f.event = 'finished' AND s.event = 'started' AND s.fence > f.fence"""
        )

    def incomplete_ledgers(self) -> list[dict[str, Any]]:
        """Return done runs whose ledger lacks a kind of node, or has a started node not finished exactly once."""
        return self.rows(
            """SELECT r.id, count(*) FILTER (WHERE e.event = 'finished') AS finished,
                      count(DISTINCT e.task_id) AS tasks, array_agg(DISTINCT e.node) AS nodes
               FROM runs r LEFT JOIN run_events e ON e.run_id = r.id AND e.event IN ('started', 'finished')
               WHERE r.state = 'done' GROUP BY r.id
               HAVING count(*) FILTER (WHERE e.event = 'finished') <> count(DISTINCT e.task_id)
                  OR count(DISTINCT e.node) <> %s""",
            len(NODES),
        )

    def forked_chains(self) -> list[dict[str, Any]]:
        """Return checkpoints with more than one child, and threads with more than one root."""
        return self.rows(
            """SELECT thread_id, parent_checkpoint_id, count(*) AS children FROM checkpoints
               GROUP BY thread_id, parent_checkpoint_id HAVING count(*) > 1"""
        )

    def stale_writes(self) -> list[dict[str, Any]]:
        """Return rows that a worker wrote under an old fence after a newer claim."""
        return self.rows(
            """SELECT e.run_id, e.event, e.node, e.fence FROM run_events e
               JOIN run_events c ON c.run_id = e.run_id AND c.event = 'claimed' AND c.fence = e.fence + 1
               WHERE e.at > c.at AND e.worker <> 'api'"""
        )
