"""Histories whose true budget is known because every event of them is counted: where averages of ratios go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MINUTE, PER_HOUR, PER_DAY = 60.0, 60, 1440
METRIC = "demo_events_total"
Minute = tuple[int, int]
"""Good and bad events of one minute."""


@dataclass(frozen=True, slots=True)
class History:
    """Events minute by minute.

    `late`: the bad series exists from its first event on; `fresh`: each failure has a series of its own, for an hour.
    """

    name: str
    minutes: tuple[Minute, ...]
    late: bool = False
    fresh: bool = False

    def true_share(self, last: int) -> float:
        """Return the bad share of the last so many minutes, by counting."""
        bad = sum(b for _, b in self.minutes[-last:])
        return bad / (bad + sum(g for g, _ in self.minutes[-last:]))

    def queries(self) -> tuple[str, str]:
        """Return the queries of bad and of all events, with `{{.window}}`."""
        series = f'{METRIC}{{history="{self.name}"'
        return f'sum(rate({series},outcome="bad"}}[{{{{.window}}}}]))', f"sum(rate({series}}}[{{{{.window}}}}]))"

    def series(self) -> Iterator[tuple[str, list[float | None]]]:
        """Yield each counter with its value at the end of each minute, None where it does not exist."""
        labels = f'history="{self.name}",instance="demo",job="demo"'
        yield f'{METRIC}{{{labels},outcome="good"}}', list(accumulate((float(g) for g, _ in self.minutes)))
        if self.fresh:
            for at in (minute for minute, (_, bad) in enumerate(self.minutes) if bad):
                values = [1.0 if at <= n < at + PER_HOUR else None for n in range(len(self.minutes))]
                yield f'{METRIC}{{{labels},outcome="bad",run="{at}"}}', values
            return
        bad = accumulate((float(b) for _, b in self.minutes))
        yield f'{METRIC}{{{labels},outcome="bad"}}', [value if value or not self.late else None for value in bad]


def histories(days: int) -> list[History]:
    """Return the five histories of so many days; each day is like the others, but for the late series."""
    born = days * PER_DAY - PER_DAY // 2

    def played(minute: Callable[[int, int], Minute]) -> tuple[Minute, ...]:
        return tuple(minute(n, n % PER_DAY // PER_HOUR) for n in range(days * PER_DAY))

    return [
        # A third of the few events of two hours at night; the day, with almost all events, is clean.
        History("night-errors", played(lambda _, h: (600 if 8 <= h < 20 else 2, 1 if 2 <= h < 4 else 0))),  # noqa: PLR2004 - hours and counts of this history
        # A tenth of the events of the busiest half hour; the rest of the day has few.
        History("peak-errors", played(lambda n, h: (600 if h == 12 else 5, 60 if h == 12 and n % 60 < 30 else 0))),  # noqa: PLR2004 - hours and counts of this history
        # Two hours a night without any event.
        History("idle-gap", played(lambda n, h: (0, 0) if 3 <= h < 5 else (30, n % 10 == 0))),  # noqa: PLR2004 - hours and counts of this history
        # No failure for all but the last half day, so no series of them either.
        History("late-series", played(lambda n, _: (60, 6 if born <= n < born + 400 else 0)), late=True),
        # A failure every three hours, each with labels that nobody saw before.
        History("fresh-labels", played(lambda n, _: (10, 1 if n % 180 == 77 else 0)), fresh=True),  # noqa: PLR2004 - hours and counts of this history
    ]
