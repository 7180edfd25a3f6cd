"""Read dashboards/*.yaml (kind Dashboard) into the model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bongsu.core.promql import Expression
from bongsu.core.yaml import Reader, load_documents
from bongsu.dashboards.model import KINDS, UNITS, AlertRef, Dashboard, Panel, Query, Row, SloRef
from bongsu.slo.load import empty_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.core.diagnostics import Problem

API = "bongsu/v1"
_UID = re.compile(r"^[a-z0-9][a-z0-9-]{0,39}\Z")
_KEY = re.compile(r"^[a-z0-9][a-z0-9-]*\Z")


def load(texts: Mapping[str, str]) -> tuple[tuple[Dashboard, ...], list[Problem]]:
    """Return what `{file: text}` declares and every problem of its form; the order of files does not matter."""
    problems: list[Problem] = []
    dashboards: list[Dashboard] = []
    for file in sorted(texts):
        nodes, found = load_documents(texts[file], file)
        problems += found
        if not nodes and not found:
            problems.append(empty_file(file))
        for node in nodes:
            reader = Reader(node, problems)
            reader.choice("apiVersion", [API])
            reader.choice("kind", ["Dashboard"])
            dashboards.append(_dashboard(reader))
    return tuple(sorted(dashboards, key=lambda d: (d.name, d.span))), problems


def _dashboard(reader: Reader) -> Dashboard:
    name = reader.text("name")
    if name and not _UID.match(name):
        hint = "use at most 40 lower case letters, digits and - (Grafana's limit)"
        reader.fail("spec/value", reader.span("name"), f"{name!r} is not a dashboard uid", hint)
    dashboard = Dashboard(
        name,
        reader.text("title"),
        reader.text("description"),
        tuple(_row(Reader(node, reader.problems, "rows")) for node in reader.sequence("rows")),
        reader.span("name"),
    )
    reader.done()
    return dashboard


def _row(reader: Reader) -> Row:
    title = reader.text("title")
    items = tuple(_item(Reader(node, reader.problems, "panels")) for node in reader.sequence("panels"))
    reader.done()
    return Row(title, items)


def _item(reader: Reader) -> Panel | SloRef | AlertRef:
    item: Panel | SloRef | AlertRef
    if reader.has("slo"):
        item = SloRef(reader.text("slo"), reader.span("slo"))
    elif reader.has("alert"):
        item = AlertRef(reader.text("alert"), reader.span("alert"))
    else:
        item = _panel(reader)
    reader.done()
    return item


def _panel(reader: Reader) -> Panel:
    key = reader.text("key")
    if key and not _KEY.match(key):
        reader.fail("spec/value", reader.span("key"), f"{key!r} is not a key", "use lower case letters, digits and -")
    return Panel(
        key,
        reader.text("title"),
        reader.text("description"),
        reader.choice("type", KINDS, "timeseries"),
        reader.choice("unit", UNITS),
        tuple(_query(Reader(node, reader.problems, "queries")) for node in reader.sequence("queries")),
        reader.span("key"),
    )


def _query(reader: Reader) -> Query:
    query = Query(Expression(reader.text("expr").strip(), reader.span("expr")), reader.text("legend"))
    reader.done()
    return query
