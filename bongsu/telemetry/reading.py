"""A value for a gauge that spoils: after a while without a new one it is NaN, so that no outage looks like calm."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FRESH_SECONDS = 5.0


class Reading:
    """One value, NaN when none was set within the last `fresh` seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, fresh: float = FRESH_SECONDS) -> None:
        self._clock, self._fresh = clock, fresh
        self._value, self._at = math.nan, -math.inf

    def set(self, value: float) -> None:
        """Take over a fresh value; NaN says that it could not be read."""
        self._value, self._at = value, self._clock()

    def get(self) -> float:
        """Return the value while it is fresh, NaN afterwards."""
        return self._value if self._clock() - self._at <= self._fresh else math.nan
