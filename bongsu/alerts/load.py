"""Read alerts/*.yaml (kinds Alert and Routes) into the model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bongsu.alerts.load_routes import load_routes
from bongsu.alerts.model import UNITS, Alert, Alerts, Detail, Level, Text
from bongsu.core.conventions import LABEL_ALERT, LABEL_RULE, LABEL_SERVICE, LABEL_SEVERITY, SEVERITIES
from bongsu.core.diagnostics import Problem, Severity, Span
from bongsu.core.durations import format_duration, parse_duration
from bongsu.core.promql import THRESHOLD, Expression, arms
from bongsu.core.yaml import Reader, load_documents
from bongsu.slo.load import empty_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.alerts.model import Routes

API = "bongsu/v1"
_ALERT = re.compile(r"^[A-Z][A-Za-z0-9]{2,63}\Z")
_LABEL = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_]*\Z")
_LONGEST_KEEP = 86400.0
_OURS = (LABEL_SEVERITY, LABEL_SERVICE, LABEL_RULE, LABEL_ALERT)


def load(texts: Mapping[str, str]) -> tuple[Alerts, list[Problem]]:
    """Return what `{file: text}` declares and every problem of its form; the order of files does not matter."""
    problems: list[Problem] = []
    alerts: list[Alert] = []
    routes: list[Routes] = []
    unread = False
    for file in sorted(texts):
        nodes, found = load_documents(texts[file], file)
        problems += found
        if not nodes:
            unread = True
            problems += [] if found else [empty_file(file)]
        for node in nodes:
            reader = Reader(node, problems)
            reader.choice("apiVersion", [API])
            kind = reader.choice("kind", ["Alert", "Routes"])
            if kind == "Alert":
                alerts.append(_alert(reader))
            elif kind == "Routes":
                routes.append(load_routes(reader, file))
    # When a file cannot be read, the routes may be in it: one honest problem instead of two.
    if len(routes) != 1 and not (unread and not routes):
        what = f"{len(routes)} documents of kind Routes" if routes else "no document of kind Routes"
        where = Span(routes[1].file if routes else "alerts/routes.yaml")
        problems.append(Problem("spec/documents", Severity.ERROR, where, what, "who is woken?", "declare exactly one"))
    return Alerts(tuple(sorted(alerts, key=_by_name)), routes[0] if routes else None), problems


def _by_name(alert: Alert) -> tuple[str, Span]:
    return alert.name, alert.span


def _alert(reader: Reader) -> Alert:
    name = reader.text("name")
    if name and not _ALERT.match(name):
        reader.fail("spec/value", reader.span("name"), f"{name!r} is not a CamelCase alert name", "rename it")
    alert = Alert(
        name=name,
        rule=reader.text("rule"),
        service=reader.text("service"),
        metric=reader.text("metric"),
        unit=reader.choice("unit", UNITS),
        summary=_text(reader, "summary"),
        description=_text(reader, "description"),
        expr=_expression(reader),
        hold=reader.parsed("for", parse_duration, 0.0),
        levels=_levels(reader),
        span=reader.span("name"),
        metric_span=reader.span("metric"),
        service_span=reader.span("service"),
        detail=_detail(reader) if reader.has("detail") else None,
        runbook=reader.text("runbook", ""),
        runbook_span=reader.span("runbook") if reader.has("runbook") else None,
        labels=_labels(reader),
        keep=_keep(reader),
    )
    reader.done()
    return alert


def _keep(reader: Reader) -> float:
    """Return the seconds an alert goes on firing after its expression has stopped to hold."""
    key, before = "keep_firing_for", len(reader.problems)
    seconds = float(reader.parsed(key, parse_duration, 0.0))
    if seconds > _LONGEST_KEEP:
        why = "for so long it would name a fault that is gone, and nobody could see that the healing worked"
        what = f"{key} is longer than {format_duration(_LONGEST_KEEP)}"
        reader.fail("spec/value", reader.span(key), what, "bridge the gap between two failures, minutes or hours", why)
    elif reader.has(key) and not seconds and len(reader.problems) == before:
        what = f"{key} of 0s has no effect"
        place = reader.span(key)
        reader.problems.append(Problem("spec/no-effect", Severity.WARNING, place, what, "", "remove it"))
    return seconds


def _text(reader: Reader, key: str) -> Text:
    inner = reader.mapping(key)
    if not reader.has(key):
        return Text("", "")
    text = Text(inner.text("en").strip(), inner.text("ko").strip())
    inner.done()
    return text


def _expression(reader: Reader) -> Expression:
    text = reader.text("expr").strip("\n")
    # The compiler, the dashboard and the deadlines all read the value left of the comparison.
    compared = [arm for both in arms(text) for arm in both if arm.right == THRESHOLD and not arm.negated]
    if text and not compared:
        reader.fail(
            "spec/value",
            reader.span("expr"),
            f"expr compares nothing with {THRESHOLD}",
            f"write `value > {THRESHOLD}`, joined with `and` or `or` at the outermost level",
        )
    return Expression(text, reader.span("expr"))


def _levels(reader: Reader) -> tuple[Level, ...]:
    levels = reader.mapping("levels")
    found = []
    for severity in SEVERITIES:
        if levels.get(severity, required=False) is not None:
            inner = levels.mapping(severity)
            found.append(Level(severity, inner.number("threshold"), inner.span("threshold")))
            inner.done()
    if not found and reader.has("levels"):
        levels.fail("spec/missing-key", reader.span("levels"), "an alert needs a level", f"add {SEVERITIES[0]}:")
    levels.done()
    return tuple(found)


def _detail(reader: Reader) -> Detail:
    inner = reader.mapping("detail")
    detail = Detail(Expression(inner.text("expr").strip(), inner.span("expr")), inner.text("label"))
    inner.done()
    return detail


def _labels(reader: Reader) -> dict[str, str]:
    labels = reader.strings("labels")
    for name in labels:
        if name in _OURS or name.startswith("__") or not _LABEL.match(name):
            reader.fail("spec/value", reader.span("labels"), f"the label {name!r} cannot be set here", "rename it")
    return labels
