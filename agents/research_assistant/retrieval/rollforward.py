"""Roll the vector index forward: apply the changes of PostgreSQL that it has not seen yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research_assistant import db, documents

if TYPE_CHECKING:
    from research_assistant.retrieval.index import VectorIndex

NAME = "chroma"
BATCH = 200


async def roll_forward(pool: db.Pool, index: VectorIndex) -> int:
    """Apply every outstanding change, oldest first; return how many there were.

    Starts at the smaller of two positions: the one PostgreSQL recorded for this copy of the index (an older database
    was restored) and the one the index carries itself (an older index was restored). Each batch is applied, then
    recorded: killed in between, it is applied again, which changes nothing. The row lock makes a second caller wait.
    """
    identity, carried = await index.copy()
    applied = 0
    while True:
        async with db.transaction(pool) as conn:
            position = min(await hold(conn, identity), carried)
            changes = await documents.changes_after(conn, position, BATCH)
            if not changes:
                return applied
            await index.apply(changes)
            carried = changes[-1].seq
            await conn.execute(
                "UPDATE index_positions SET seq = %s, updated_at = now() WHERE name = %s", (carried, NAME)
            )
        applied += len(changes)


async def position(conn: db.Connection, copy: tuple[str, int]) -> int:
    """Return the change up to which this copy (identity, position it carries) was rolled forward; write nothing."""
    identity, carried = copy
    query = "SELECT seq FROM index_positions WHERE name = %s AND identity = %s"
    row = await (await conn.execute(query, (NAME, identity))).fetchone()
    return min(int(row["seq"]), carried) if row else 0


async def hold(conn: db.Connection, identity: str) -> int:
    """Hold the position of the index until the transaction ends; a copy of another identity starts at 0."""
    query = """
        INSERT INTO index_positions AS held (name, identity, seq) VALUES (%s, %s, 0)
        ON CONFLICT (name) DO UPDATE SET
            seq = CASE WHEN held.identity = EXCLUDED.identity THEN held.seq ELSE 0 END, identity = EXCLUDED.identity
        RETURNING seq
    """
    cursor = await conn.execute(query, (NAME, identity))
    row = await cursor.fetchone()
    return int((row or {"seq": 0})["seq"])
