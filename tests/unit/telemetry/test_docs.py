"""The table of metrics in docs/telemetry.md is that of the conventions; `UPDATE_GOLDENS=1` writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

from bongsu.core.conventions import METRICS
from bongsu.core.metric import Metric

PAGE = Path(__file__).parents[3] / "docs/telemetry.md"
BEGIN, END = "<!-- metrics: generated -->\n", "<!-- metrics: end -->\n"


def row(metric: Metric) -> str:
    labels = ", ".join(
        f"`{name}`" + (f" ({', '.join(values)})" if 0 < len(values) <= 6 else "") for name, values in metric.labels
    )
    return f"| `{metric.name}` | {metric.kind} | {metric.unit or '-'} | {labels or '-'} | {metric.help} |\n"


def table() -> str:
    head = "| metric | kind | unit | labels | what it says |\n|---|---|---|---|---|\n"
    return head + "".join(row(metric) for metric in METRICS)


def test_the_table_of_metrics_is_that_of_the_conventions() -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    found, after = rest.split(END)
    if os.environ.get("UPDATE_GOLDENS"):
        PAGE.write_text(f"{before}{BEGIN}{table()}{END}{after}", encoding="utf-8")
        return
    assert found == table()


def test_a_metric_that_is_missing_on_the_page_is_found() -> None:
    assert table().replace(row(METRICS[0]), "") != table()
    assert all(metric.help for metric in METRICS)
