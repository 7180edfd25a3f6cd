"""What the checks of expressions share: placeholders filled in place, and the names an expression may use."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from bongsu.core import conventions as names
from bongsu.core.promql import INTERVAL, THRESHOLD, WINDOW, form, selectors
from bongsu.core.promql_check import fault, is_promql
from bongsu.slo.compile import HOUR, recorded_windows

if TYPE_CHECKING:
    from bongsu.checks.model import Catalogue
    from bongsu.core.conventions import Metric
    from bongsu.core.promql import Selector
    from bongsu.core.promql_check import Fault

STATES = frozenset(("ALERTS", "ALERTS_FOR_STATE"))
EXTERNAL = re.compile(r"^(?:node_[a-z0-9_]+|container_[a-z0-9_]+|up|ALERTS|ALERTS_FOR_STATE)$", re.IGNORECASE)
"""What other exporters and Prometheus itself provide: node exporter, cAdvisor, scrape health, alert states."""

_SUFFIXES = ("_bucket", "_count", "_sum")


def parseable(text: str) -> str:
    """Return the text with each placeholder replaced by a value of the same length: offsets stay true."""
    for placeholder, value in ((WINDOW, "5m"), (INTERVAL, "5m"), (THRESHOLD, "1")):
        text = text.replace(placeholder, value.ljust(len(placeholder)))
    return text


@lru_cache(maxsize=65536)
def understood(text: str) -> tuple[Fault | None, tuple[Selector, ...]]:
    """Return where an author's text stops being PromQL, or its selectors: asked by three checks, found out once."""
    found = None if is_promql(parseable(form(text))) else fault(parseable(text))
    return found, () if found else selectors(text)


@lru_cache(maxsize=1)
def own_metrics() -> dict[str, Metric]:
    """Return each series name of our own metrics: a histogram has three."""
    found: dict[str, Metric] = {}
    for metric in names.METRICS:
        series = [metric.name + suffix for suffix in _SUFFIXES] if metric.kind == "histogram" else [metric.name]
        found |= dict.fromkeys(series, metric)
    return found


def recorded(catalogue: Catalogue) -> set[str]:
    """Return the names of every series that the compiled rules record."""
    found = set(names.SLO_METADATA)
    for windows in catalogue.slos.windows.values():
        found |= {names.sli_record(window) for window in recorded_windows(windows)}
        found |= {names.events_record(window) for window in (windows.base, HOUR)}
    return found
