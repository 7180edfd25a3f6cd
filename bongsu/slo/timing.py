"""When a burn-rate tier fires and clears, computed from its windows.

Steady traffic, clean history of at least the long window, errors that start and stop at once. The shares come from
recorded rates over the base window B: the base window itself sees an outage grow in a straight line, longer ones are
averages of those rates, so that they see it grow in a parabola for B and in a straight line after it, B/2 later.
Source: SRE workbook ch. 5 for the straight line; the rest follows by integration and is replayed by promtool.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bongsu.core.durations import format_duration
from bongsu.core.errors import UsageError
from bongsu.slo.model import threshold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bongsu.slo.model import Tier

MIN_SCRAPES = 5
"""Fewer samples in the shortest window and `rate` sees single scrapes instead of a trend."""


def seen_after(share: float, window: float, base: float) -> float:
    """Return the seconds until the bad share of a window reaches `share` (of what the outage is, 0 to 1)."""
    if window <= base:
        return window * share
    area = window * share
    if area <= base / 2:
        return math.sqrt(2 * base * area)
    if area <= window - base / 2:
        return area + base / 2
    return window + base - math.sqrt(2 * base * (window - area))


def gone_after(share: float, window: float, base: float) -> float:
    """Return the seconds until the bad share of a window that was full of it falls to `share`: the mirror image."""
    return seen_after(1 - share, window, base)


def detect_seconds(tier: Tier, objective: float, error_ratio: float, factor: float = 1.0) -> float:
    """Return how long after the onset of `error_ratio` a tier fires; infinity when it never does."""
    limit = float(threshold(tier, objective))
    if error_ratio <= limit:
        return math.inf
    # "e > limit" decides, and a total outage of a tier that is not dead always does.
    windows = (tier.long_seconds, tier.short_seconds)
    return max(seen_after(limit / error_ratio, window, tier.base_seconds) for window in windows) / factor


def reset_seconds(tier: Tier, objective: float, error_ratio: float, factor: float = 1.0) -> float:
    """Return how long a tier fires on after the errors stopped: the short window clears first; 0 if it never fired."""
    limit = float(threshold(tier, objective))
    if error_ratio <= limit:
        return 0.0
    windows = (tier.long_seconds, tier.short_seconds)
    return min(gone_after(limit / error_ratio, window, tier.base_seconds) for window in windows) / factor


def max_factor(windows: Iterable[float], scrape_seconds: float) -> float:
    """Return the largest time factor at which the shortest window still holds 5 scrapes."""
    return min(windows) / (MIN_SCRAPES * scrape_seconds)


def refuse_factor(factor: float, windows: Iterable[float], scrape_seconds: float) -> None:
    """Raise UsageError when `factor` is below 1 or leaves the shortest window fewer than 5 scrapes."""
    lengths = list(windows)
    largest = max_factor(lengths, scrape_seconds)
    if factor == 1.0 or 1.0 <= factor <= largest:
        return  # uncompressed rules are what production runs; its scrape interval is checked there
    if factor < 1.0:
        raise UsageError(f"time factor {factor:g} is below 1", next="proofs compress time, they never stretch it")
    shortest = format_duration(min(lengths))
    raise UsageError(
        f"time factor {factor:g} leaves the {shortest} window fewer than {MIN_SCRAPES} scrapes",
        next=f"choose a factor up to {largest:g}, or scrape more often",
    )
