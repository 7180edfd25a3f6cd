"""Read OpenSLO v1 documents (kinds Service and SLO) into the model.

Source: https://github.com/OpenSLO/OpenSLO (v1); one inline Prometheus ratio metric per SLO, a rolling window,
`budgetingMethod: Occurrences`. What the alert is called, OpenSLO cannot say: annotations `bongsu/alert` and
`bongsu/title-ko` do.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from importlib import resources
from typing import TYPE_CHECKING

from bongsu.core.conventions import SEVERITIES
from bongsu.core.diagnostics import Problem, Severity, Span
from bongsu.core.durations import parse_duration
from bongsu.core.promql import WINDOW, Expression
from bongsu.core.yaml import Node, Reader, load_documents
from bongsu.slo.model import Service, Slo, Slos, Tier, Windows

if TYPE_CHECKING:
    from collections.abc import Mapping

API = "openslo/v1"
_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
_ALERT = re.compile(r"^[A-Z][A-Za-z0-9]{2,63}$")


def load(texts: Mapping[str, str]) -> tuple[Slos, list[Problem]]:
    """Return what `{file: text}` declares and every problem of its form; the order of files does not matter."""
    problems: list[Problem] = []
    services: list[Service] = []
    slos: list[Slo] = []
    for file in sorted(texts):
        nodes, found = load_documents(texts[file], file)
        problems += found
        if not nodes and not found:
            problems.append(empty_file(file))
        for node in nodes:
            reader = Reader(node, problems)
            reader.choice("apiVersion", [API])
            kind = reader.choice("kind", ["Service", "SLO"])
            if kind == "Service":
                services.append(_service(reader))
            elif kind == "SLO":
                slos.append(_slo(reader))
    windows = {period: tiers for period in sorted({slo.period for slo in slos}) if (tiers := load_windows(period))}
    return Slos(tuple(sorted(services, key=_by_name)), tuple(sorted(slos, key=_by_id)), windows), problems


def _by_name(service: Service) -> tuple[str, Span]:
    return service.name, service.span


def _by_id(slo: Slo) -> tuple[str, Span]:
    return slo.id, slo.span


def empty_file(file: str) -> Problem:
    """Return the problem of a catalogue file that declares nothing."""
    return Problem(
        "spec/empty", Severity.ERROR, Span(file), "the file declares nothing", "it looks armed and is not", "delete it"
    )


def load_windows(period: str = "30d") -> Windows | None:
    """Return the packaged burn-rate tiers of a period, or None when there are none for it."""
    file = resources.files("bongsu.slo") / "windows" / f"{period}.yaml"
    if not re.fullmatch(r"[0-9a-z]+", period) or not file.is_file():
        return None
    windows, problems = parse_windows(file.read_text(encoding="utf-8"), f"{period}.yaml")
    if problems:
        raise ValueError(f"the packaged windows of {period} are broken: {problems[0].what}")
    return windows


def parse_windows(text: str, file: str) -> tuple[Windows, list[Problem]]:
    """Return the tiers of a windows file and every problem of its form."""
    nodes, problems = load_documents(text, file)
    root = Reader(nodes[0] if nodes else Node({}, Span(file)), problems)
    windows = Windows(
        root.text("period"),
        root.text("source"),
        tuple(_tier(Reader(node, problems, "tiers")) for node in root.sequence("tiers")),
    )
    root.done()
    return windows, problems


def _tier(reader: Reader) -> Tier:
    tier = Tier(
        reader.text("name"),
        reader.choice("severity", SEVERITIES),
        Decimal(repr(reader.number("factor"))),
        _window(reader, "long"),
        _window(reader, "short"),
    )
    reader.done()
    return tier


def _window(reader: Reader, key: str) -> str:
    text = reader.text(key)
    reader.parsed(key, parse_duration, 0.0)
    return text


def _service(reader: Reader) -> Service:
    meta = reader.mapping("metadata")
    name = _name(meta)
    service = Service(name, meta.text("displayName", name), meta.span("name"))
    meta.strings("labels")
    meta.strings("annotations")
    meta.done()
    spec = reader.mapping("spec")
    spec.text("description", "")
    spec.done()
    reader.done()
    return service


def _slo(reader: Reader) -> Slo:
    meta = reader.mapping("metadata")
    name = _name(meta)
    title = meta.text("displayName", name)
    notes = meta.mapping("annotations")
    alert = notes.text("bongsu/alert")
    if alert and not _ALERT.match(alert):
        notes.fail("spec/value", notes.span("bongsu/alert"), f"{alert!r} is not a CamelCase alert name", "rename it")
    title_ko = notes.text("bongsu/title-ko")
    _foreign(notes)
    meta.strings("labels")
    meta.done()

    spec = reader.mapping("spec")
    spec.text("description", "")
    service = spec.text("service")
    spec.choice("budgetingMethod", ["Occurrences"])
    good, bad, total = _ratio(spec.mapping("indicator"))
    period = _period(_only(spec, "timeWindow"))
    objective, objective_span = _objective(_only(spec, "objectives"))
    spec.done()
    reader.done()
    return Slo(
        service,
        name,
        title,
        title_ko,
        alert,
        objective,
        period,
        bad,
        good,
        total,
        meta.span("name"),
        objective_span,
        spec.span("service"),
        notes.span("bongsu/alert"),
    )


def _name(meta: Reader) -> str:
    name = meta.text("name")
    if name and not _NAME.match(name):
        meta.fail("spec/value", meta.span("name"), f"{name!r} is not a name", "use lower case letters, digits and -")
    return name


def _foreign(notes: Reader) -> None:
    """Accept other tools' annotations; under `bongsu/` an unknown key is a misspelling."""
    for key, node in list(notes.items()):
        if key.startswith("bongsu/") and key not in ("bongsu/alert", "bongsu/title-ko"):
            span = notes.node.keys.get(key, node.span)
            notes.fail("spec/unknown-key", span, f"unknown annotation {key}", "known: bongsu/alert, bongsu/title-ko")


def _only(spec: Reader, key: str) -> Reader:
    """Return the one element of a list that OpenSLO allows to be longer and our rules do not."""
    items = spec.sequence(key)
    if len(items) != 1 and spec.has(key):
        spec.fail(
            "spec/value", spec.span(key), f"spec.{key} must have exactly one element", "write one SLO per promise"
        )
    node = items[0] if items else Node({}, spec.span(key))
    # A missing list is already a problem; the reader of its absent element must not add more.
    return Reader(node, spec.problems if items else [], f"spec.{key}")


def _ratio(indicator: Reader) -> tuple[Expression | None, Expression | None, Expression]:
    meta = indicator.mapping("metadata", required=False)
    meta.text("name", "")
    meta.text("displayName", "")
    meta.done()
    spec = indicator.mapping("spec")
    spec.text("description", "")
    metric = spec.mapping("ratioMetric")
    if not metric.flag("counter", default=True):
        metric.fail("spec/value", metric.span("counter"), "only counters can be compiled", "write counter: true")
    if metric.has("good") == metric.has("bad"):
        metric.fail(
            "spec/value",
            metric.node.span,
            "a ratio needs either `good` or `bad` beside `total`",
            "count what the promise forbids under `bad`",
        )
    good, bad = (_query(metric, key) if metric.has(key) else None for key in ("good", "bad"))
    total = _query(metric, "total")
    for reader in (metric, spec, indicator):
        reader.done()
    return good, bad, total


def _query(metric: Reader, key: str) -> Expression:
    outer = metric.mapping(key)
    source = outer.mapping("metricSource")
    source.choice("type", ["Prometheus"])
    spec = source.mapping("spec")
    text = spec.text("query").strip()
    if text and WINDOW not in text:
        spec.fail(
            "spec/value",
            spec.span("query"),
            f"the query has no {WINDOW} placeholder",
            f"write rate(metric[{WINDOW}])",
            "one query is compiled for every window",
        )
    for reader in (spec, source, outer):
        reader.done()
    return Expression(text, spec.span("query"))


def _period(window: Reader) -> str:
    period = window.text("duration")
    if period and load_windows(period) is None:
        hint = "use 30d, or add bongsu/slo/windows/<period>.yaml"
        window.fail("spec/value", window.span("duration"), f"no burn-rate tiers are defined for {period!r}", hint)
    if not window.flag("isRolling"):
        window.fail("spec/value", window.node.span, "only rolling windows can be compiled", "write isRolling: true")
    window.done()
    return period


def _objective(entry: Reader) -> tuple[float, Span]:
    """Return the objective as a share and its place; NaN when it is missing or not a number (reported here)."""
    entry.text("displayName", "")
    key = "targetPercent" if entry.has("targetPercent") and not entry.has("target") else "target"
    before = len(entry.problems)
    value = entry.number(key)
    entry.done()
    if len(entry.problems) > before and not value:
        return math.nan, entry.span(key)
    return float(Decimal(repr(value)) / (100 if key == "targetPercent" else 1)), entry.span(key)
