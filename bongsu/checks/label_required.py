"""An alert without the label that says whose it is is on nobody's list; the manifest says which have to be there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bongsu.alerts.compile import labels_of as labels_of_level
from bongsu.core.diagnostics import Problem, Severity
from bongsu.slo.compile import labels_of as labels_of_tier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bongsu.checks.model import Catalogue
    from bongsu.core.diagnostics import Span

CODE = "label/required"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each label of `required_labels` that an alert lacks or gives another value, once for an alert."""
    required = catalogue.manifest.required_labels
    if not required:
        return
    for name, span, labels in _alerts(catalogue):
        for label, pattern in required.items():
            value = next((one.get(label, "") for one in labels if not _fits(pattern, one.get(label, ""))), None)
            if value is not None:
                what = f"{name}: label {label} is {value!r}" if value else f"{name} has no label {label}"
                why = f"bongsu.yaml asks every alert for a {label} that matches {pattern}"
                yield Problem(CODE, SEVERITY, span, what, why, f"write `labels: {{{label}: ...}}`")


def _alerts(catalogue: Catalogue) -> Iterator[tuple[str, Span, list[Mapping[str, str]]]]:
    """Yield the name and place of each alert, and its labels at each severity."""
    for slo, windows in catalogue.slos.watched():
        yield slo.alert, slo.span, [labels_of_tier(slo, tier) for tier in windows.tiers]
    for alert in catalogue.alerts.alerts:
        yield alert.name, alert.span, [labels_of_level(alert, level) for level in alert.levels]


def _fits(pattern: str, value: str) -> bool:
    try:
        return bool(value) and re.fullmatch(pattern, value) is not None
    except re.error:
        return True  # said where the pattern stands
