"""Durations in Prometheus' syntax, parsed once into seconds.

Source: https://prometheus.io/docs/prometheus/latest/querying/basics/#time-durations
"""

from __future__ import annotations

import re
from functools import lru_cache

_UNITS = {"y": 365 * 86400.0, "w": 7 * 86400.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$")
_TOKEN = re.compile(r"(\d+)(ms|[ywdhms])")


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as `1h30m` or `500ms`; raise ValueError for anything else."""
    if not text or not _DURATION.match(text):
        raise ValueError(f"{text!r} is not a duration: write it like 30s, 5m, 1h30m or 30d")
    return sum(int(number) * _UNITS[unit] for number, unit in _TOKEN.findall(text))


@lru_cache(maxsize=1024)
def format_duration(seconds: float) -> str:
    """Return the shortest Prometheus duration equal to `seconds`, rounded to the millisecond (never negative)."""
    rest = round(seconds * 1000)
    if rest < 0:
        raise ValueError(f"a duration cannot be negative: {seconds}")
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        size = round(_UNITS[unit] * 1000)
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
