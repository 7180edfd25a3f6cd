"""The gauges that speak for the whole system and not for one process: only the API exports them."""

from __future__ import annotations

import asyncio
import math
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg

from bongsu.core import conventions as names
from bongsu.telemetry import metrics as m
from research_assistant import queue, usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import Gauge

    from research_assistant import db
    from research_assistant.settings import Settings

EVERY_SECONDS = 1.0
READ_SECONDS = 2.0
FRESH_SECONDS = 5.0


class Reading:
    """One value that spoils: after FRESH_SECONDS without a new one it is NaN, so that no outage looks like calm."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._value, self._at = math.nan, -math.inf

    def set(self, value: float) -> None:
        """Take over a fresh value; NaN says that it could not be read."""
        self._value, self._at = value, self._clock()

    def get(self) -> float:
        """Return the value while it is fresh, NaN afterwards."""
        return self._value if self._clock() - self._at <= FRESH_SECONDS else math.nan


class Gauges:
    """The queue's depth and oldest age and the used share of the day's budget, read from the database once a second."""

    def __init__(self, settings: Settings, pool: db.Pool) -> None:
        self._settings, self._pool = settings, pool
        self._readings: list[Reading] = []
        for metric in (names.QUEUE_DEPTH, names.QUEUE_OLDEST_AGE):
            gauge = m.gauge(metric)
            for priority in names.PRIORITIES:
                self._export(gauge.labels(priority))
        self._export(m.gauge(names.COST_BUDGET_USED))

    def _export(self, gauge: Gauge) -> None:
        reading = Reading()
        gauge.set_function(reading.get)
        self._readings.append(reading)

    async def keep_reading(self) -> None:
        """Read again and again until cancelled; while the database does not answer, all are NaN."""
        while True:
            try:
                async with asyncio.timeout(READ_SECONDS):
                    values = await self._read()
            except (psycopg.Error, TimeoutError):
                values = (math.nan,) * len(self._readings)
            for reading, value in zip(self._readings, values, strict=True):
                reading.set(value)
            await asyncio.sleep(EVERY_SECONDS)

    async def _read(self) -> tuple[float, ...]:
        settings = self._settings
        waiting = await queue.depths_and_ages(self._pool)
        depths, ages = zip(*(waiting[priority] for priority in names.PRIORITIES), strict=True)
        day = usage.budget_day_start(datetime.now(UTC), settings.budget_timezone, settings.budget_day_seconds)
        spent = await usage.spent_since(self._pool, day)
        return *map(float, depths), *ages, used_ratio(spent, settings.budget_usd_per_day)


def used_ratio(spent: float, budget: float) -> float:
    """Return the used share of a budget in USD; without a budget any spending is infinitely too much."""
    if budget > 0:
        return spent / budget
    return math.inf if spent > 0 else 0.0
