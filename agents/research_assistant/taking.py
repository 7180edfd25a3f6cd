"""Which job a worker takes next: the highest priority first, and never more of one tenant's than its limit.

The library counts by entrypoint only, so this is the statement of OwnedQueries.dequeue. Takers go one after the other
(an advisory lock): two that counted at the same moment would both see the last free place. Lock and statement are one
message to the server, so that no taker can be stopped between them while it holds the lock.
"""

from __future__ import annotations

LOCK_KEY = 0x626F6E677375_01  # next to the key of migrations (migrate.py)
LOCK = f"SELECT pg_advisory_xact_lock({LOCK_KEY})"

# A job names its tenant; one of an older version does not, and its run is asked. A job whose run is gone belongs to
# nobody and is taken, to be removed. Joining the runs of 10,000 waiting jobs took 98 ms, reading their headers 14 ms
# (bench/taking_speed.py).
_TENANT = """coalesce(
    j.headers ->> 'tenant', (SELECT coalesce(r.tenant, r.owner) FROM runs r WHERE r.id = j.dedupe_key::uuid), '')"""
# A job whose worker has not been heard of for one lease is taken over whatever its tenant's limit, and counts until
# then: the worker may only have been slow, and a run of its tenant in that place would be one too many once it is back.
_TAKEN = """
    load AS (
        SELECT {tenant} AS tenant, count(*) AS running FROM {queue} j WHERE j.status = 'picked' GROUP BY 1
    ),
    at_their_limit AS (
        SELECT load.tenant FROM load LEFT JOIN tenants t ON t.name = load.tenant
        WHERE load.tenant <> '' AND load.running >= coalesce(t.concurrency, nullif(%(limit)s::int, 0), 2147483647)
    ),
    places AS (SELECT %(slots)s - count(*) AS mine FROM {queue} WHERE queue_manager_id = %(owner)s),
    waiting AS ({waiting}),
    stale AS ({stale}),
    next AS (
        SELECT id FROM (SELECT * FROM waiting UNION ALL SELECT * FROM stale) either
        ORDER BY priority DESC, id LIMIT 1
    ),
    claimed AS (
        UPDATE {queue} SET status = 'picked', updated = now(), heartbeat = now(), queue_manager_id = %(owner)s
        WHERE id = (SELECT id FROM next)
        RETURNING *
    ),
    logged AS (
        INSERT INTO {log} (job_id, status, entrypoint, priority) SELECT id, status, entrypoint, priority FROM claimed
    )
    SELECT claimed.*, CASE WHEN claimed.id IS NULL THEN ({due_in}) END AS due_in
    FROM (SELECT) one LEFT JOIN claimed ON true
"""
_CANDIDATE = """
    SELECT j.id, j.priority
    FROM {queue} j
    WHERE j.entrypoint = ANY(%(entrypoints)s) AND {which} AND j.execute_after <= now()
      AND (SELECT mine FROM places) > CASE WHEN j.priority >= %(interactive)s THEN 0 ELSE %(reserved)s END
    ORDER BY j.priority DESC, j.id LIMIT 1 FOR UPDATE OF j SKIP LOCKED
"""  # skips what is being withdrawn
_DUE_IN = """
    SELECT min(execute_after) - now() FROM {queue}
    WHERE entrypoint = ANY(%(entrypoints)s) AND status = 'queued' AND execute_after > now()
"""


def take(queue: str, log: str) -> str:
    """Return the statements that take one job and return its row, or one of nulls when there is none to take.

    Its column `due_in` says then after how long the next job is due, null when none is. Placeholders are pyformat:
    `lease` (timedelta), `slots` (jobs the worker may hold), `owner` (its id), `entrypoints`, `limit` (jobs of a tenant
    that has no limit of its own; 0 for no limit), `interactive` (the priority of interactive jobs), `reserved` (slots
    that others leave free for them: an interactive run must not wait for a batch run to end).
    """
    below = f"j.status = 'queued' AND {_TENANT} NOT IN (SELECT tenant FROM at_their_limit)"  # noqa: S608 - a constant
    lost = "j.status = 'picked' AND j.heartbeat < now() - %(lease)s::interval"
    waiting, stale = (_CANDIDATE.format(queue=queue, which=which) for which in (below, lost))
    due_in = _DUE_IN.format(queue=queue)
    taken = _TAKEN.format(queue=queue, log=log, tenant=_TENANT, waiting=waiting, stale=stale, due_in=due_in)
    return f"{LOCK}; WITH {taken}"
