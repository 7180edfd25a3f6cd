"""Read OpenSLO v1alpha the way Sloth does: one SLO per objective, a ratio of good events, no alerts.

Source: https://github.com/slok/sloth, internal/storage/io/openslo.go; https://github.com/OpenSLO/OpenSLO (v1alpha).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.yaml import Reader
from bongsu.slo.sloth import fields
from bongsu.slo.sloth.model import Sli, SlothSlo

if TYPE_CHECKING:
    from bongsu.core.promql import Expression

_SOURCES, _LANGUAGES = ("prometheus", "sloth"), ("promql",)


def read_v1alpha(reader: Reader) -> tuple[SlothSlo, ...]:
    """Return the SLOs of a document whose apiVersion and kind were read."""
    meta = reader.mapping("metadata")
    name = fields.name(meta, "name")
    title = meta.text("displayName", "")
    meta.done()
    spec = reader.mapping("spec")
    service = fields.name(spec, "service")
    description = spec.text("description", "") or title
    spec.choice("budgetingMethod", ["Occurrences"], "Occurrences")
    period = _period(spec)
    before = len(reader.problems)
    nodes = spec.sequence("objectives")
    if not nodes and len(reader.problems) == before:
        spec.fail("spec/value", spec.span("objectives"), "an SLO needs at least one objective", "write one")
    slos = []
    for index, node in enumerate(nodes):
        entry = Reader(node, reader.problems, f"spec.objectives[{index}]")
        objective = fields.objective(entry, "target", 1.0)
        entry.text("displayName", "")
        sli = _sli(entry)
        entry.done()
        slos.append(
            SlothSlo(
                service,
                f"{name}-{index}",
                description,
                objective,
                {},
                sli,
                "",
                None,
                None,
                meta.span("name"),
                entry.span("target"),
                spec.span("service"),
                meta.span("name"),
                period,
            )
        )
    for inner in (spec, reader):
        inner.done()
    return tuple(slos)


def _period(spec: Reader) -> str:
    """Return the one rolling window, in days; empty when there is none: Sloth's default holds."""
    nodes = spec.sequence("timeWindows", required=False)
    if len(nodes) > 1:
        spec.fail("spec/value", spec.span("timeWindows"), "only one time window can be compiled", "keep one")
    if not nodes:
        return ""
    window = Reader(nodes[0], spec.problems, "spec.timeWindows[0]")
    before = len(spec.problems)
    count = window.integer("count")
    if window.text("unit").lower() != "day" and len(spec.problems) == before:
        window.fail("spec/value", window.span("unit"), "only days can be compiled", "write unit: Day")
    if count < 1 and len(spec.problems) == before:
        window.fail("spec/value", window.span("count"), f"a window of {count} days holds nothing", "write count: 30")
    if not window.flag("isRolling", default=True):
        window.fail("spec/value", window.span("isRolling"), "only rolling windows can be compiled", "remove it")
    window.done()
    return f"{count}d" if len(spec.problems) == before else ""


def _sli(entry: Reader) -> Sli:
    before = len(entry.problems)
    metrics = entry.mapping("ratioMetrics")
    if len(entry.problems) > before:
        return Sli()
    for key in ("counter", "incremental"):
        metrics.flag(key, default=True)
    good, total = (_query(metrics, key) for key in ("good", "total"))
    metrics.done()
    return Sli(good=good, total=total)


def _query(metrics: Reader, key: str) -> Expression:
    source = metrics.mapping(key)
    if not metrics.has(key):  # a problem already; its absent keys are none
        source = Reader(source.node, [], source.path)
    source.choice("source", _SOURCES)
    source.choice("queryType", _LANGUAGES)
    found = fields.query(source, "query")
    source.done()
    return found
