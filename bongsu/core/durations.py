"""Durations in Prometheus' syntax, parsed once into seconds.

Source: https://prometheus.io/docs/prometheus/latest/querying/basics/#time-durations
"""

from __future__ import annotations

import re
from functools import lru_cache

_UNITS = {"y": 365 * 86400.0, "w": 7 * 86400.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile("^" + "".join(rf"(?:([0-9]+){unit})?" for unit in _UNITS) + r"\Z")
_TOKEN = re.compile(r"([0-9]+)(ms|[ywdhms])")
_LONGEST = 292 * 365 * 86400.0
"""Prometheus counts nanoseconds in 63 bits: it refuses more ("duration out of range")."""
_MOST_CHARACTERS = 64


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as `1h30m` or `500ms`; raise ValueError for anything else."""
    if not text or len(text) > _MOST_CHARACTERS or not _DURATION.match(text):
        raise ValueError(f"{text[:_MOST_CHARACTERS]!r} is not a duration: write it like 30s, 5m, 1h30m or 30d")
    seconds = sum(int(number) * _UNITS[unit] for number, unit in _TOKEN.findall(text))
    if seconds > _LONGEST:
        raise ValueError(f"{text!r} is longer than the 292 years that Prometheus can count")
    return seconds


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
