"""Wait for a condition, with a deadline generous enough for a busy machine."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")
DEADLINE_SECONDS = 60.0


def until(condition: Callable[[], T], what: str, seconds: float = DEADLINE_SECONDS) -> T:
    """Return the first true value of `condition`; fail naming `what` never came."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(0.05)
    return value


async def until_async(condition: Callable[[], Awaitable[T]], what: str, seconds: float = DEADLINE_SECONDS) -> T:
    """Return the first true value of an awaited `condition`; fail naming `what` never came."""
    deadline = time.monotonic() + seconds
    while not (value := await condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        await asyncio.sleep(0.05)
    return value
