"""Predict how long a restore takes at another size, from restores that were measured: a prediction, and called one.

Each phase is fitted as fixed seconds plus seconds per byte (least squares, neither below zero); the prediction is the
sum of the phases at the wanted size. It says what it rests on: how many restores, up to which size, how far off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEAST_SAMPLES = 3
LEAST_SPREAD = 4.0
"""The largest of the measured sizes over the smallest: below that a slope is noise."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured restore: its bytes before compression, and the seconds of each phase."""

    bytes: int
    phases: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """Return the seconds of all phases."""
        return sum(self.phases.values())


@dataclass(frozen=True, slots=True)
class Line:
    """A phase: `fixed` seconds and seconds for each byte."""

    fixed: float
    per_byte: float

    def at(self, size: float) -> float:
        """Return the seconds at a size in bytes."""
        return self.fixed + self.per_byte * size


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the fitted lines say about `bytes`; `worst_error` is the largest relative error on the samples."""

    bytes: float
    seconds: float
    phases: Mapping[str, float]
    slowest: str
    samples: int
    largest_sample: int
    worst_error: float


def predict(samples: Sequence[Sample], size: float) -> Prediction | None:
    """Return the prediction for `size` bytes; None when too little was measured to draw a line."""
    sizes = [sample.bytes for sample in samples]
    if len(samples) < LEAST_SAMPLES or min(sizes) <= 0 or max(sizes) < LEAST_SPREAD * min(sizes):
        return None
    names = sorted({name for sample in samples for name in sample.phases})
    lines = {name: fit([(s.bytes, s.phases.get(name, 0.0)) for s in samples]) for name in names}
    phases = {name: line.at(size) for name, line in lines.items()}
    errors = [
        abs(sum(line.at(sample.bytes) for line in lines.values()) - sample.seconds) / sample.seconds
        for sample in samples
        if sample.seconds > 0
    ]
    return Prediction(
        bytes=size,
        seconds=sum(phases.values()),
        phases=phases,
        slowest=max(phases, key=lambda name: phases[name]),
        samples=len(samples),
        largest_sample=max(sizes),
        worst_error=max(errors, default=0.0),
    )


def fit(points: Sequence[tuple[float, float]]) -> Line:
    """Return the least-squares line through (bytes, seconds), with neither part below zero."""
    count = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    square = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / square if square else 0.0
    if slope < 0:
        return Line(mean_y, 0.0)
    fixed = mean_y - slope * mean_x
    if fixed < 0:  # through the origin: a phase that takes no fixed time
        return Line(0.0, sum(x * y for x, y in points) / sum(x * x for x, _ in points))
    return Line(fixed, slope)
