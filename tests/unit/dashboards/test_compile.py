"""The rules of grafana/dashboard-linter that apply, and what our own links need."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from bongsu.cli.catalogue import load_catalogue
from bongsu.core.conventions import panel_id
from bongsu.core.promql import selectors
from bongsu.dashboards.compile import compile_board, compile_boards, grafana_expr
from bongsu.dashboards.resolve import resolve

CATALOGUE = load_catalogue(Path(__file__).parents[3])
BOARDS = [resolve(d, CATALOGUE.slos, CATALOGUE.alerts.alerts) for d in CATALOGUE.dashboards]
DOCUMENTS: list[dict[str, Any]] = [json.loads(compile_board(board)) for board in BOARDS]
PANELS = [panel for document in DOCUMENTS for panel in document["panels"] if panel["type"] != "row"]
TARGETS = [target["expr"] for panel in PANELS for target in panel["targets"]]
EACH_PANEL = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])


def plain(expr: str) -> str:
    return expr.replace("$__rate_interval", "5m")


def test_the_board_has_the_variables_of_the_linter() -> None:
    for document in DOCUMENTS:
        source, job, instance = document["templating"]["list"]
        assert (source["name"], source["type"], source["label"]) == ("datasource", "datasource", "Data source")
        for variable, label in ((job, "Job"), (instance, "Instance")):
            assert (variable["type"], variable["label"], variable["multi"]) == ("query", label, True)
            assert (variable["allValue"], variable["refresh"]) == (".+", 2)
            assert variable["datasource"]["uid"] == "${datasource}"


def test_the_board_cannot_be_edited_by_hand_and_says_why() -> None:
    for document in DOCUMENTS:
        assert document["editable"] is False
        assert "DO NOT EDIT: compiled by `bongsu compile` from dashboards/" in document["description"]
        assert len(document["uid"]) <= 40


@EACH_PANEL
def test_each_panel_has_a_title_a_description_a_unit_and_the_datasource_variable(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["targets"]


@pytest.mark.parametrize("expr", TARGETS)
def test_each_query_is_promql_with_filters_and_the_rate_interval(expr: str) -> None:
    promql_parser.parse(plain(expr))
    for selector in selectors(plain(expr)):
        labels = {matcher.label: matcher.value for matcher in selector.matchers}
        recorded_or_states = ":" in selector.name or selector.name == "ALERTS"
        assert recorded_or_states or (labels["job"], labels["instance"]) == ("$job", "$instance")


@pytest.mark.parametrize("expr", TARGETS)
def test_counters_are_read_through_rate_or_increase(expr: str) -> None:
    for name in re.findall(r"\w+_total\b", expr):
        assert re.search(rf"(?:rate|increase)\({name}\b", expr), name


def test_ids_are_unique_stable_and_made_of_keys() -> None:
    ids = [panel["id"] for document in DOCUMENTS for panel in document["panels"]]
    assert len(ids) == len(set(ids))
    assert panel_id("AnswersBudgetBurn") == 346486607
    assert 346486607 in ids


def test_every_alert_has_the_panel_its_notification_links() -> None:
    links = {panel["id"] for panel in PANELS}
    assert {name for name in CATALOGUE.alert_spans() if panel_id(name) not in links} == set()


def test_panels_fill_rows_of_three_and_never_overlap() -> None:
    for document in DOCUMENTS:
        taken: set[tuple[int, int]] = set()
        for panel in document["panels"]:
            place = panel["gridPos"]
            cells = {(place["x"] + i, place["y"] + j) for i in range(place["w"]) for j in range(place["h"])}
            assert not cells & taken
            assert place["x"] + place["w"] <= 24
            taken |= cells


def steps(title: str) -> list[tuple[str, float | None]]:
    panel = next(panel for panel in PANELS if panel["title"] == title)
    return [(step["color"], step["value"]) for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]


def test_thresholds_are_drawn_from_the_side_on_which_the_alert_fires() -> None:
    assert steps("ErrorsHigh") == [("green", None), ("orange", 10), ("red", 50)]
    assert steps("AvailabilityLow") == [("red", None), ("orange", 0.9), ("green", 0.95)]


def test_same_board_same_bytes() -> None:
    assert compile_boards(BOARDS) == compile_boards(BOARDS)


@pytest.mark.parametrize(
    ("expr", "made"),
    [
        ("up", 'up{job=~"$job",instance=~"$instance"}'),
        ('rate(x{a="b"}[{{.interval}}])', 'rate(x{a="b", job=~"$job",instance=~"$instance"}[$__rate_interval])'),
        ("x{}", 'x{job=~"$job",instance=~"$instance"}'),
        ("slo:a:b / sum by (x) (up)", 'slo:a:b / sum by (x) (up{job=~"$job",instance=~"$instance"})'),
        ('ALERTS{a="b"}', 'ALERTS{a="b"}'),
    ],
)
def test_raw_series_are_filtered_and_recorded_ones_are_not(expr: str, made: str) -> None:
    assert grafana_expr(expr) == made
