"""docs/watched.md says what nobody watches and why; here it is held against the catalogues."""

from __future__ import annotations

import re
from pathlib import Path

from bongsu.cli.catalogue import load_catalogue
from bongsu.core.conventions import METRICS
from bongsu.core.promql import bare, selectors

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/watched.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.+?) \| (.+) \|$", PAGE, re.MULTILINE)
CATALOGUE = load_catalogue(ROOT)


def read_metrics() -> set[str]:
    """Return the names of every series that an SLO or alert selects."""
    texts = [one.text for slo in CATALOGUE.slos.slos for one in slo.expressions()]
    texts += [alert.expr.text for alert in CATALOGUE.alerts.alerts]
    return {selector.name for text in texts for selector in selectors(bare(text))}


def test_each_metric_is_watched_or_has_a_reason_and_never_both() -> None:
    read = {re.sub(r"_(?:bucket|count|sum)$", "", name) for name in read_metrics()}
    watched = {metric.name for metric in METRICS if metric.name in read}
    excused = {first.strip("`") for first, _ in ROWS if first.startswith("`bongsu_")}
    assert excused == {metric.name for metric in METRICS} - watched


def test_each_alert_the_page_names_is_declared() -> None:
    named = {name for _, second in ROWS for name in re.findall(r"`([A-Z]\w+)`", second)}
    assert named <= set(CATALOGUE.alert_spans())


def test_each_indicator_of_m1_to_m6_is_there() -> None:
    assert {first[:2] for first, _ in ROWS if re.match(r"M\d ", first)} == {"M1", "M2", "M3", "M4", "M5", "M6"}
