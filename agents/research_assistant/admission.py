"""Admission: refuse new runs before the ones that were taken become late, batch before interactive.

The limits are compiled out of the SLO on quick answers (`bongsu compile`, deploy/rendered/admission/); this package
carries the ones of the repository. A run waits as long as the oldest one of its kind has waited, or as long as the runs
in front of it will take at the rate at which workers took runs lately. What a tenant at its own limit has waiting makes
nobody else wait, and counts against that tenant only.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bongsu.core.conventions import PRIORITIES
from bongsu.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from research_assistant import db

PACKAGED = Path(__file__).parent / "admission.json"
FRESH_SECONDS = 0.05
"""One reading serves the requests of so many seconds; those admitted since are added to it."""
RATE_SECONDS = 10
LONGEST_RETRY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a run of a priority may wait for a worker, and that as a number of runs at the assumed rate."""

    waiting_seconds: float
    depth: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one tenant has of one priority: runs that wait, the age of the oldest in seconds."""

    tenant: str
    priority: str
    depth: int
    age: float
    at_limit: bool


@dataclass(frozen=True, slots=True)
class Pressure:
    """The queue at one moment; `rate` is how many runs a second workers took lately."""

    waiting: tuple[Waiting, ...] = ()
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a run is refused (`age` or `depth`) and after how many seconds it is worth another try."""

    reason: str
    retry_after: int


def load(path: str) -> dict[str, Limit]:
    """Return the limit of each priority from a compiled file, "" for the packaged one; raise UsageError for another."""
    file = Path(path) if path else PACKAGED
    try:
        shed = json.loads(file.read_text(encoding="utf-8"))["shed"]
        limits = {each: Limit(float(shed[each]["waiting_seconds"]), int(shed[each]["depth"])) for each in PRIORITIES}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"no admission limits can be read ({type(error).__name__})",
            where=str(file),
            next="let RESEARCH_ASSISTANT_ADMISSION_FILE name what `bongsu compile` wrote to deploy/rendered/admission",
        ) from error
    if not all(limit.waiting_seconds > 0 and limit.depth > 0 for limit in limits.values()):
        raise UsageError("a limit is not positive", where=str(file), next="run `bongsu compile` again")
    return limits


def decide(limits: Mapping[str, Limit], pressure: Pressure, tenant: str, priority: str) -> Refusal | None:
    """Return why a run of this tenant and priority is refused now; None admits it.

    Interactive runs are taken first, so only those stand in front of another one; everything stands before a batch run.
    """
    limit = limits[priority]
    before = [
        each
        for each in pressure.waiting
        if (not each.at_limit or each.tenant == tenant) and (priority == "batch" or each.priority == "interactive")
    ]
    depth, age = sum(each.depth for each in before), max((each.age for each in before), default=0.0)
    if age > limit.waiting_seconds:
        return Refusal("age", _retry(age))
    if depth >= max(limit.depth, pressure.rate * limit.waiting_seconds):
        return Refusal("depth", _retry(depth / max(pressure.rate, limit.depth / limit.waiting_seconds)))
    return None


def _retry(seconds: float) -> int:
    return max(1, min(LONGEST_RETRY_SECONDS, math.ceil(seconds)))


@dataclass(slots=True)
class Admission:
    """The door of one process; `concurrency` is how many runs of a tenant without an own limit may run (0: any)."""

    pool: db.Pool
    limits: Mapping[str, Limit]
    concurrency: int
    clock: Callable[[], float] = time.monotonic
    _pressure: Pressure = field(default_factory=Pressure)
    _read_at: float = -math.inf
    _admitted: dict[tuple[str, str], int] = field(default_factory=dict)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, tenant: str, priority: str) -> Refusal | None:
        """Return why a run is refused now; None admits it, and counts it until the next reading."""
        async with self._reading:
            if self.clock() - self._read_at > FRESH_SECONDS:
                self._pressure, self._admitted = await read(self.pool, self.concurrency), {}
                self._read_at = self.clock()
        refusal = decide(self.limits, self._now(), tenant, priority)
        if refusal is None:
            key = (tenant, priority)
            self._admitted[key] = self._admitted.get(key, 0) + 1
        return refusal

    def _now(self) -> Pressure:
        since = tuple(Waiting(*key, depth, 0.0, at_limit=False) for key, depth in self._admitted.items())
        return Pressure(self._pressure.waiting + since, self._pressure.rate)


async def read(pool: db.Pool, concurrency: int) -> Pressure:
    """Return the pressure now; a run between two tries waits from the end of its pause on."""
    query = """
        WITH open AS (
            SELECT coalesce(tenant, owner) AS tenant, priority, state, coalesce(retry_at, submitted_at) AS since
            FROM runs WHERE state IN ('queued', 'running')
        ), busy AS (
            SELECT tenant, count(*) AS running FROM open WHERE state = 'running' GROUP BY tenant
        )
        SELECT o.tenant, o.priority, count(*) AS depth, extract(epoch FROM now() - min(o.since))::float8 AS age,
            coalesce(max(b.running), 0) >= coalesce(max(t.concurrency), nullif(%s, 0), 2147483647) AS at_limit
        FROM open o LEFT JOIN busy b USING (tenant) LEFT JOIN tenants t ON t.name = o.tenant
        WHERE o.state = 'queued' AND o.since <= now() GROUP BY o.tenant, o.priority
    """
    taken = (
        "SELECT count(*) AS taken FROM run_events WHERE event = 'claimed' AND at > now() - make_interval(secs => %s)"
    )
    async with pool.connection() as conn:
        rows: list[Any] = await (await conn.execute(query, (concurrency,))).fetchall()
        count = await (await conn.execute(taken, (RATE_SECONDS,))).fetchone()
    return Pressure(tuple(Waiting(**row) for row in rows), (count["taken"] if count else 0) / RATE_SECONDS)
