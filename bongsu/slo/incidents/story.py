"""Generate the events of a story: how many good and bad ones fall between two samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bongsu.slo.incidents.model import Incidents

_DAY = 86400.0


def events(story: Incidents, budget: float, step: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return good and bad events of each `step` seconds, two arrays of length / step; Poisson, from the story's seed.

    Traffic is a cosine between `night` at midnight and `day` at noon; the larger of overlapping incidents counts.
    Raise ValueError for a story without traffic.
    """
    if story.traffic is None:
        raise ValueError("real history is not generated")
    times = np.arange(0, story.length, step)
    middle, swing = (story.traffic.day + story.traffic.night) / 2, (story.traffic.day - story.traffic.night) / 2
    rate = middle - swing * np.cos(2 * math.pi * times / _DAY)
    share = np.full(times.shape, min(1.0, story.traffic.background * budget))
    for incident in story.incidents:
        during = (times >= incident.start) & (times < incident.end)
        if incident.every:
            during &= (times - incident.start) % incident.every < incident.pulse
        share[during] = np.maximum(share[during], incident.bad(budget))
    dice = np.random.default_rng(story.seed)
    total = dice.poisson(np.maximum(rate, 0) * step)
    bad = dice.binomial(total, share)
    return total - bad, bad
