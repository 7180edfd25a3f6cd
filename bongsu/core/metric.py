"""One metric as the conventions describe it: name, kind, help, unit, labels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_THE_SYSTEM = frozenset(("class", "endpoint", "language", "length", "node", "priority", "provider", "tool"))
"""Labels whose values the system under care chooses: the closed sets are those of the research assistant. Another
system names its own under `labels:` in its manifest, and its processes never start series with ours."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its full Prometheus name, kind, help, unit and labels.

    `labels` maps each label to its closed set of values; an empty tuple means they come at run time. Metrics whose
    sets are all closed are created at 0 when a process starts: the first increment of a new series is invisible to
    `rate` and `increase` (prometheus/prometheus#12967).
    """

    name: str
    kind: str
    help: str
    unit: str = ""
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def of_the_system(self) -> bool:
        """Tell whether the system under care chooses the value of a label."""
        return any(name in OF_THE_SYSTEM for name, _ in self.labels)

    @property
    def label_names(self) -> tuple[str, ...]:
        """Return the label names in declaration order."""
        return tuple(name for name, _ in self.labels)

    def combinations(self) -> Iterator[tuple[str, ...]]:
        """Yield every label combination when all sets are closed, nothing otherwise."""
        if all(values for _, values in self.labels):
            yield from product(*(values for _, values in self.labels))
