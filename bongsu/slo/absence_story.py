"""Say what the absence alert must tell, by playing its definition on a story of 34 days: the judge of its rule.

It knows the definition (docs/adr/0022-absence.md) and how far Prometheus looks back, and imports nothing of the
compiler. Times are seconds. Whether a sample exactly as old as a window is in it differs between versions of
Prometheus: where that decides, the state is None.
"""

from __future__ import annotations

from dataclasses import dataclass

HOUR, DAY = 3600, 86400
GRID = 300
"""Between samples; and how far back an instant looks for one."""
EVERY = HOUR + 60
"""Between evaluations: they drift past whole hours and samples, so that few lie at one."""
END = 34 * DAY
MISSED, REMEMBERED, LOOKS = DAY, 30 * DAY, 20
DOWN, VANISHED, NEVER = "target_down", "vanished", "never_born"

Spans = tuple[tuple[int, int], ...]
"""From the first to the last sample, in seconds and multiples of GRID."""


@dataclass(frozen=True, slots=True)
class Story:
    """Where there are samples: of a target that is up, of the SLO's own rules, of its total over both base windows.

    A target that is not up is down: it has samples all the time.
    """

    up: Spans
    rules: Spans
    counted: Spans
    hourly: Spans


def _hours(*edges: float) -> Spans:
    """Return the spans that begin and end at these hours; the sample at which one ends is not in it."""
    seconds = [round(edge * HOUR) for edge in edges]
    return tuple((a, b - GRID) for a, b in zip(seconds[::2], seconds[1::2], strict=True))


_SAMPLE = GRID / HOUR
STORY = Story(
    # Down for an hour; for so long that a day holds one look too few, then just enough of them; and once at the end.
    up=_hours(0, 31, 32, 58, 63, 92, 96, 700, 700.5, END / HOUR),
    # The same of the rules, which begin late as well; their last sample before a gap is not seen at the next hour.
    rules=_hours(3, 125.75, 131, 159.75, 164, END / HOUR),
    # Born for one sample, and once more for two hours.
    counted=_hours(195 + _SAMPLE, 195 + 2 * _SAMPLE, 247.25, 249.75),
    # One sample at an odd whole hour.
    hourly=_hours(67, 67 + _SAMPLE),
)


def state(story: Story, now: int, reasons: tuple[str, ...]) -> frozenset[str] | None:
    """Return for which reasons (of those the SLO can have) something is missing at `now`; None if it is too close."""
    with_edges, without = (_missing(story, now, reasons, edge) for edge in (0, 1))
    return frozenset(filter(None, [with_edges])) if with_edges == without else None


def _missing(story: Story, now: int, reasons: tuple[str, ...], edge: int) -> str:
    """Return the reason or nothing; with `edge` 1 what is exactly as old as a window is not in it."""

    def seen(spans: Spans, at: int) -> bool:
        return any(start <= at and min(at // GRID * GRID, last) > at - GRID - 1 + edge for start, last in spans)

    def looks(window: int, step: int) -> range:
        return range(-(-(now - window + edge) // step) * step, now + 1, step)

    def answers(at: int) -> bool:
        return any(start <= at // GRID * GRID <= last for start, last in story.up)

    if DOWN in reasons and not answers(now):
        return DOWN
    if any(seen(story.counted, at) for at in looks(MISSED, GRID) if at >= 0):
        return ""
    day = [at for at in looks(MISSED, HOUR) if at >= 0]
    if sum(seen(story.rules, at) for at in day) < LOOKS:
        return ""
    if DOWN in reasons and sum(map(answers, day)) < LOOKS:
        return ""
    reason = VANISHED if any(seen(story.hourly, at) for at in looks(REMEMBERED, HOUR)) else NEVER
    return reason if reason in reasons else ""
