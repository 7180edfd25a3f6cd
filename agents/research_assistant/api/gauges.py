"""The gauges that speak for the whole system and not for one process: only the API exports them."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg

from bongsu.core import conventions as names
from bongsu.telemetry import metrics as m
from bongsu.telemetry.reading import FRESH_SECONDS, Reading
from research_assistant import engagement, queue, usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from prometheus_client import Gauge

    from research_assistant import db
    from research_assistant.settings import Settings

EVERY_SECONDS = 1.0
READ_SECONDS = 2.0
SLOW_EVERY_SECONDS = 10.0
SLOW_FRESH_SECONDS = 30.0


class Gauges:
    """The queue and the day's budget, read from the database once a second; how the service is used, less often."""

    def __init__(self, settings: Settings, pool: db.Pool) -> None:
        self._settings, self._pool = settings, pool
        queues = [m.gauge(metric) for metric in (names.QUEUE_DEPTH, names.QUEUE_OLDEST_AGE)]
        fast = [gauge.labels(priority) for gauge in queues for priority in names.PRIORITIES]
        fast += [m.gauge(metric) for metric in (names.COST_BUDGET_USED, names.RUNS_RUNNING)]
        self._fast = _readings(fast, FRESH_SECONDS)
        users = m.gauge(names.ACTIVE_USERS)
        slow = [users.labels(window) for window in names.USER_WINDOWS]
        slow += [m.gauge(metric) for metric in (names.SATISFACTION, names.SESSIONS_ACTIVE)]
        slow += [m.gauge(metric) for metric in (names.SESSION_DURATION, names.SESSION_RUNS, names.DATABASE_SERVER_USED)]
        self._slow = _readings(slow, SLOW_FRESH_SECONDS)

    async def keep_reading(self) -> None:
        """Read again and again until cancelled; while the database does not answer, all are NaN."""
        await asyncio.gather(
            _keep(self._fast, self._read, EVERY_SECONDS), _keep(self._slow, self._read_slow, SLOW_EVERY_SECONDS)
        )

    async def _read(self) -> tuple[float, ...]:
        settings = self._settings
        waiting = await queue.depths_and_ages(self._pool)
        depths, ages = zip(*(waiting[priority] for priority in names.PRIORITIES), strict=True)
        day = usage.budget_day_start(datetime.now(UTC), settings.budget_timezone, settings.budget_day_seconds)
        used = used_ratio(await usage.spent_since(self._pool, day), settings.budget_usd_per_day)
        return *map(float, depths), *ages, used, await engagement.runs_running(self._pool)

    async def _read_slow(self) -> tuple[float, ...]:
        read = await engagement.read(self._pool)
        users = (read.users_hour, read.users_day)
        return (
            *users,
            read.satisfaction,
            read.sessions_active,
            read.session_seconds,
            read.session_runs,
            read.server_used,
        )


def _readings(gauges: Sequence[Gauge], fresh: float) -> tuple[Reading, ...]:
    """Give each gauge a value that spoils."""
    made = tuple(Reading(fresh=fresh) for _ in gauges)
    for gauge, reading in zip(gauges, made, strict=True):
        gauge.set_function(reading.get)
    return made


async def _keep(readings: Sequence[Reading], read: Callable[[], Awaitable[tuple[float, ...]]], every: float) -> None:
    while True:
        try:
            async with asyncio.timeout(READ_SECONDS):
                values = await read()
        except (psycopg.Error, TimeoutError):
            values = (math.nan,) * len(readings)
        for reading, value in zip(readings, values, strict=True):
            reading.set(value)
        await asyncio.sleep(every)


def used_ratio(spent: float, budget: float) -> float:
    """Return the used share of a budget in USD; without a budget any spending is infinitely too much."""
    if budget > 0:
        return spent / budget
    return math.inf if spent > 0 else 0.0
