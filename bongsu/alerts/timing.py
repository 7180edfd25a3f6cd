"""When each alert fires and clears, computed from its compiled windows: the deadlines of proofs and `explain`.

Steady traffic of `events_per_second`, clean history of at least the longest window, a total outage that starts and
ends at once. Scrape, evaluation and delivery come on top; the caller knows them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.alerts.compile import labels_of
from bongsu.alerts.shape import Alternative, Signal, alternatives
from bongsu.core import conventions as names
from bongsu.core.durations import parse_duration
from bongsu.slo import absence
from bongsu.slo.compile import ids_of
from bongsu.slo.compile import labels_of as tier_labels
from bongsu.slo.timing import detect_seconds, max_factor, refuse_factor, reset_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bongsu.alerts.model import Alert, Level
    from bongsu.slo.model import Slo, Slos, Tier

__all__ = ["AlertTiming", "max_factor", "refuse_factor", "timings"]


@dataclass(frozen=True, slots=True)
class AlertTiming:
    """One compiled alert rule and its times in (compressed) seconds; infinity means never.

    `labels` are those the rule sets; an alert instance adds the labels of its series (kind, instance, ...).
    `floor` events are needed within `floor_window` before it can fire; 0 when there is no floor.
    `clear_seconds` is an upper bound: after it the windows that decide hold nothing of the outage any more, and
    `keep_seconds`, which it holds, have passed since.
    """

    alert: str
    severity: str
    labels: Mapping[str, str]
    windows: tuple[float, ...]
    for_seconds: float
    longest_window: float
    detect_seconds_at_total_outage: float
    clear_seconds: float
    floor: float = 0.0
    floor_window: float = 0.0
    keep_seconds: float = 0.0

    @property
    def minimum_rate(self) -> float:
        """Return the events per second that just meet the floor."""
        return self.floor / self.floor_window if self.floor_window else 0.0


def timings(slos: Slos, alerts: Iterable[Alert], *, factor: float, events_per_second: float) -> list[AlertTiming]:
    """Return the timing of every compiled alert rule, burn-rate tiers first; thresholds and counts do not shrink."""
    burn = [_tier(slo, tier, factor, events_per_second) for slo in slos.slos for tier in slos.tiers(slo)]
    burn += [_absence(slo, factor) for slo in absence.alarmed(slos)]
    return burn + [_level(a, level, factor, events_per_second) for a in alerts for level in a.levels]


def _absence(slo: Slo, factor: float) -> AlertTiming:
    """Return when a target that is down is told, or where that cannot be known, a series that is gone."""
    down = absence.TARGET_DOWN in absence.reasons(slo)
    hold, day = absence.HOLD / factor, parse_duration(absence.MISSED) / factor
    return AlertTiming(
        alert=absence.NAME,
        severity=absence.SEVERITY,
        labels=absence.labels_of(slo, ids_of(slo)),
        windows=() if down else (day,),
        for_seconds=hold,
        longest_window=0.0 if down else day,
        detect_seconds_at_total_outage=hold if down else day + hold,
        clear_seconds=0.0,
    )


def _tier(slo: Slo, tier: Tier, factor: float, rate: float) -> AlertTiming:
    # Bad events gather from the first one on: at low traffic the floor is what takes longest.
    window = tier.long_seconds / factor
    gathered = tier.events / rate if 0 < tier.events <= rate * window else math.inf if tier.events else 0.0
    return AlertTiming(
        alert=slo.alert,
        severity=tier.severity,
        labels={**tier_labels(slo, tier)},
        windows=(tier.short_seconds / factor, window),
        for_seconds=tier.hold / factor,
        longest_window=window,
        detect_seconds_at_total_outage=max(gathered, detect_seconds(tier, slo.objective, 1.0, factor))
        + tier.hold / factor,
        clear_seconds=reset_seconds(tier, slo.objective, 1.0, factor),
        floor=float(tier.events),
        floor_window=window,
    )


def _level(alert: Alert, level: Level, factor: float, rate: float) -> AlertTiming:
    ways = alternatives(alert)
    lengths = sorted({w for way in ways for w in (way.window, *(g.window for g in way.guards)) if w})
    # Several ways (server, container) are several systems: the slowest one is what a deadline must allow.
    floors = [(guard.count, guard.window) for way in ways for guard in way.guards if guard.count > 0]
    floor, floor_window = max(floors, default=(0.0, 0.0))
    return AlertTiming(
        alert=alert.name,
        severity=level.severity,
        labels=labels_of(alert, level),
        windows=tuple(w / factor for w in lengths),
        for_seconds=alert.hold / factor,
        longest_window=max(lengths, default=0.0) / factor,
        detect_seconds_at_total_outage=max(_detect(way, alert, level, factor, rate) for way in ways),
        clear_seconds=(max(_clear(way) for way in ways) + alert.keep) / factor,
        floor=floor,
        floor_window=floor_window / factor,
        keep_seconds=alert.keep / factor,
    )


def _detect(way: Alternative, alert: Alert, level: Level, factor: float, rate: float) -> float:
    if any(guard.count > rate * guard.window / factor for guard in way.guards):
        return math.inf
    window = way.window / factor
    match way.signal:
        case Signal.COUNT:
            needed = math.floor(level.threshold) + 1 if way.op == ">" else math.ceil(level.threshold)
            onset = needed / rate if needed <= rate * window else math.inf
        case Signal.RATIO:
            onset = window * (1 - level.threshold if way.op.startswith("<") else level.threshold)
        case Signal.QUANTILE:
            # The slow share must reach 1 - q of the window, and a slow run is seen only once it ended.
            onset = window * (1 - way.quantile) + (level.threshold if alert.unit == names.SECONDS else 0.0)
        case Signal.AGE:
            onset = level.threshold
        case Signal.GAUGE:
            onset = 0.0
    return round(onset + alert.hold / factor, 6)  # microseconds: 1 - 0.9 is not 0.1


def _clear(way: Alternative) -> float:
    """Return the shortest window among what must hold together: the first to empty clears the alert."""
    return min([way.window, *(guard.window for guard in way.guards)])
