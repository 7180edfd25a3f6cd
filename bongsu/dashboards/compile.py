"""Compile boards into Grafana dashboard JSON (classic schema).

Why by hand: docs/adr/0005-dashboards.md. Rules followed: grafana/dashboard-linter, all that apply to a dashboard of
recorded series (a recorded series has no job and no instance, so `$job` and `$instance` filter raw series only).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bongsu.core.artefacts import header
from bongsu.core.conventions import panel_id
from bongsu.core.promql import INTERVAL, fill, selectors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bongsu.dashboards.model import Board, Mark, Panel

SCHEMA = 39
"""Grafana 10.4 and later read it as it is; newer ones migrate it on load."""

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLOURS = {"critical": "red", "warning": "orange", "info": "blue"}
_WIDTH, _HEIGHT, _COLUMNS = 8, 8, 24
_FILTER = 'job=~"$job",instance=~"$instance"'


def compile_boards(boards: Iterable[Board]) -> dict[str, str]:
    """Return `{file name: JSON}`."""
    return {f"{board.uid}.json": compile_board(board) for board in boards}


def compile_board(board: Board) -> str:
    """Return one dashboard; same board, same bytes."""
    document = {
        "uid": board.uid,
        "title": board.title,
        "description": f"{board.description} {header(board.source)}",
        "tags": ["bongsu"],
        "schemaVersion": SCHEMA,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _variables()},
        "annotations": {"list": []},
        "links": [],
        "panels": _laid_out(board),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _variables() -> list[dict[str, Any]]:
    return [
        {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "current": {},
            "hide": 0,
            "includeAll": False,
            "multi": False,
            "options": [],
            "refresh": 1,
            "regex": "",
        },
        _label_variable("job", "Job", "label_values(up, job)"),
        _label_variable("instance", "Instance", 'label_values(up{job=~"$job"}, instance)'),
    ]


def _label_variable(name: str, label: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": f"variable-{name}"},
        "allValue": ".+",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
        "includeAll": True,
        "multi": True,
        "options": [],
        "refresh": 2,
        "regex": "",
        "sort": 1,
    }


def _laid_out(board: Board) -> list[dict[str, Any]]:
    """Place rows and panels from the top left, three panels to a line."""
    placed: list[dict[str, Any]] = []
    y = 0
    for strip in board.strips:
        place = {"x": 0, "y": y, "w": _COLUMNS, "h": 1}
        placed.append(
            {
                "id": panel_id(f"row/{strip.title}"),
                "type": "row",
                "title": strip.title,
                "gridPos": place,
                "collapsed": False,
                "panels": [],
            }
        )
        y += 1
        for number, panel in enumerate(strip.panels):
            line, column = divmod(number, _COLUMNS // _WIDTH)
            place = {"x": column * _WIDTH, "y": y + line * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            placed.append(_panel(panel, place))
        y += -(-len(strip.panels) // (_COLUMNS // _WIDTH)) * _HEIGHT
    return placed


def _panel(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": panel_id(panel.key),
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel.kind),
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _SOURCE,
                "editorMode": "code",
                "expr": grafana_expr(query.expr.text),
                "legendFormat": query.legend,
                "range": True,
                "instant": False,
            }
            for number, query in enumerate(panel.queries)
        ],
    }


def grafana_expr(expr: str) -> str:
    """Return an expression with Grafana's rate interval, its raw series filtered by the job and instance variables."""
    parts, last = [], 0
    for selector in selectors(expr):
        if ":" in selector.name or selector.name == "ALERTS":
            continue
        brace = expr[: selector.end].endswith("}")
        insert = (", " if selector.matchers else "") + _FILTER + "}" if brace else "{" + _FILTER + "}"
        parts += [expr[last : selector.end - brace], insert]
        last = selector.end
    return fill("".join([*parts, expr[last:]]), {INTERVAL: "$__rate_interval"})


def _defaults(panel: Panel) -> dict[str, Any]:
    limits = {name: value for name, value in (("min", panel.low), ("max", panel.high)) if value is not None}
    drawn = {
        "custom": {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 5,
            "showPoints": "never",
            "spanNulls": False,
            "thresholdsStyle": {"mode": "line" if panel.marks else "off"},
        }
    }
    return {
        "unit": panel.unit,
        **limits,
        "thresholds": {"mode": "absolute", "steps": _steps(panel.marks, below=panel.below)},
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        **(drawn if panel.kind == "timeseries" else {}),
    }


def _steps(marks: tuple[Mark, ...], *, below: bool) -> list[dict[str, Any]]:
    """Return Grafana's steps: each colour reigns from its value upwards, the first from minus infinity."""
    rising = sorted({mark.value: mark for mark in marks}.values(), key=lambda mark: mark.value)
    if not below:
        steps = [{"color": "green", "value": None}]
        return steps + [{"color": _COLOURS[mark.severity], "value": mark.value} for mark in rising]
    colours = [_COLOURS[mark.severity] for mark in rising] + ["green"]
    return [{"color": c, "value": v} for c, v in zip(colours, [None, *(m.value for m in rising)], strict=True)]


def _options(kind: str) -> dict[str, Any]:
    if kind == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "value",
            "graphMode": "area",
            "textMode": "auto",
        }
    return {
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
