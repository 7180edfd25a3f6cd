"""Decide whether a failed run is tried again, and when.

Only failures of the outside world pass by themselves. A person who waits is told at once (each LLM call was already
tried again inside the run, llm.py); a batch run has time. Settings decide both.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from research_assistant.runs import Run
    from research_assistant.settings import Settings

PASSING = frozenset({"llm_server", "llm_rate_limit", "llm_timeout", "llm_connection", "search", "vector", "database"})
"""Kinds of conventions.ERROR_KINDS that may be gone the next time. A wrong key or request stays wrong."""
LONGEST_JITTER, SHORTEST_JITTER = 1.0, 0.5


def pause(
    settings: Settings, run: Run, kind: str, jitter: Callable[[float, float], float] = random.uniform
) -> timedelta | None:
    """Return how long to wait before `run`, failed with `kind`, is tried again; None when it shall not be.

    Doubled with each try up to the longest pause, then cut by up to a half, so that runs that failed together do not
    come back together.
    """
    allowed = settings.batch_tries if run.priority == "batch" else settings.interactive_tries
    if kind not in PASSING or run.tries + 1 >= allowed:
        return None
    seconds = min(settings.retry_seconds * 2**run.tries, settings.retry_max_seconds)
    return timedelta(seconds=seconds * jitter(SHORTEST_JITTER, LONGEST_JITTER))
