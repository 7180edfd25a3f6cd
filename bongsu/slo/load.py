"""Read OpenSLO v1 documents (kinds Service and SLO), and Sloth's (bongsu/slo/sloth), into the model.

Source: https://github.com/OpenSLO/OpenSLO (v1); one inline Prometheus ratio metric per SLO, a rolling window,
`budgetingMethod: Occurrences`. What the alert is called, OpenSLO cannot say: annotations `bongsu/alert` and
`bongsu/title-ko` do; `bongsu/min-bad-events` says how many bad events a tier waits for.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity, Span
from bongsu.core.durations import parse_duration
from bongsu.core.promql import WINDOW, Expression
from bongsu.core.yaml import Node, Reader, load_documents
from bongsu.slo.model import Service, Slo, Slos
from bongsu.slo.sloth.model import KUBERNETES, OPENSLO
from bongsu.slo.sloth.native import services_of, to_slo
from bongsu.slo.sloth.read import KIND, is_sloth, read
from bongsu.slo.windows import WindowRules, alert_windows, fit, load_rules, period_problem, usable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.slo.model import Windows
    from bongsu.slo.sloth.model import Document

API = "openslo/v1"
_KINDS = {API: ["Service", "SLO"], KUBERNETES: ["AlertWindows", KIND], OPENSLO: ["SLO"]}
_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
_ALERT = re.compile(r"^[A-Z][A-Za-z0-9]{2,63}$")
_NAMED, _TITLE_KO, _EVENTS = _ANNOTATIONS = ("bongsu/alert", "bongsu/title-ko", "bongsu/min-bad-events")


def load(texts: Mapping[str, str]) -> tuple[Slos, list[Problem]]:
    """Return what `{file: text}` declares and every problem of its form; the order of files does not matter."""
    problems: list[Problem] = []
    services: list[Service] = []
    slos: list[Slo] = []
    own: list[WindowRules] = []
    sloth: list[Document] = []
    for file in sorted(texts):
        nodes, found = load_documents(texts[file], file)
        problems += found
        if not nodes and not found:
            problems.append(empty_file(file))
        for node in nodes:
            if is_sloth(node):
                sloth.append(read(node, problems))
                continue
            reader = Reader(node, problems)
            api = reader.choice("apiVersion", list(_KINDS))
            kind = reader.choice("kind", _KINDS.get(api, []))
            if kind == "AlertWindows":
                own.append(alert_windows(reader))
            elif kind == "Service":
                services.append(_service(reader))
            elif kind == "SLO":
                slos.append(_slo(reader))
    services += services_of(sloth, services)
    slos += [to_slo(slo, document.spec) for document in sloth for slo in document.slos]
    rules, theirs = load_rules(), {found.period: found for found in own if usable(found)}
    windows = {
        slo.id: _kept(slo, fit(theirs.get(parse_duration(slo.period), rules), slo.period, slo.objective, slo.events))
        for slo in slos
        if slo.sane and slo.period and not period_problem(slo.period)
    }
    return Slos(tuple(sorted(services, key=_by_name)), tuple(sorted(slos, key=_by_id)), windows), problems


def _kept(slo: Slo, windows: Windows) -> Windows:
    """Return the windows without the tiers that the SLO switches off."""
    return replace(windows, tiers=tuple(tier for tier in windows.tiers if tier.severity not in slo.silent))


def _by_name(service: Service) -> tuple[str, Span]:
    return service.name, service.span


def _by_id(slo: Slo) -> tuple[str, Span]:
    return slo.id, slo.span


def empty_file(file: str) -> Problem:
    """Return the problem of a catalogue file that declares nothing."""
    return Problem(
        "spec/empty", Severity.ERROR, Span(file), "the file declares nothing", "it looks armed and is not", "delete it"
    )


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
    alert = notes.text(_NAMED)
    if alert and not _ALERT.match(alert):
        notes.fail("spec/value", notes.span(_NAMED), f"{alert!r} is not a CamelCase alert name", "rename it")
    title_ko = notes.text(_TITLE_KO)
    events = _floor(notes)
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
        notes.span(_NAMED),
        events,
    )


def _name(meta: Reader) -> str:
    name = meta.text("name")
    if name and not _NAME.match(name):
        meta.fail("spec/value", meta.span("name"), f"{name!r} is not a name", "use lower case letters, digits and -")
    return name


def _floor(notes: Reader) -> int | None:
    """Return how many bad events a tier waits for, when the author says so."""
    text = notes.text(_EVENTS, "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,6}", text):
        notes.fail("spec/value", notes.span(_EVENTS), f"{text!r} is not a number of events", 'write "5", or "0": none')
        return None
    return int(text)


def _foreign(notes: Reader) -> None:
    """Accept other tools' annotations; under `bongsu/` an unknown key is a misspelling."""
    for key, node in list(notes.items()):
        if key.startswith("bongsu/") and key not in _ANNOTATIONS:
            span = notes.node.keys.get(key, node.span)
            known = f"known: {', '.join(_ANNOTATIONS)}"
            notes.fail("spec/unknown-key", span, f"unknown annotation {key}", known)


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
    if period and (problem := period_problem(period)):
        window.fail("spec/value", window.span("duration"), problem, "write a day or more, such as 7d, 28d or 30d")
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
