"""With swapped thresholds the page comes first and inhibition silences the ticket that should have come before."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from bongsu.alerts.shape import fires_below
from bongsu.core.conventions import SEVERITIES
from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "alert/levels"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each level whose threshold is not further out than that of the next milder level."""
    for alert in catalogue.alerts.alerts:
        below = fires_below(alert)
        levels = sorted(alert.levels, key=lambda level: SEVERITIES.index(level.severity))
        for worse, milder in pairwise(levels):
            if (worse.threshold >= milder.threshold) if below else (worse.threshold <= milder.threshold):
                side = "below" if below else "above"
                yield Problem(
                    CODE,
                    SEVERITY,
                    worse.span,
                    f"{alert.name}: {worse.severity} at {worse.threshold:g} is not {side} {milder.severity} at "
                    f"{milder.threshold:g}",
                    f"the alert fires {side} its threshold, so {worse.severity} would come first",
                    "swap the two thresholds",
                )
