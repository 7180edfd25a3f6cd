"""Wait for a condition, with a deadline generous enough for a busy machine; find room for a whole stack's ports."""

from __future__ import annotations

import asyncio
import random
import socket
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


def free_range(size: int = 101) -> int:
    """Return the lowest of `size` free ports in a row, below those that outgoing connections use."""
    for _ in range(100):
        base = random.randrange(20000, 32000)  # noqa: S311 - not a secret
        if all(_is_free(port) for port in range(base, base + size)):
            return base
    raise AssertionError("no room for a stack between ports 20000 and 32000")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
