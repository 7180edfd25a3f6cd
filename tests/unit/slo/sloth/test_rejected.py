"""What Sloth refuses, and what it drops silently, is a problem with its line: all of a file at once."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from bongsu.slo.load import load
from tests.support.sloth_documents import ALPHA, GOOD, OBJECT

GOLDENS = Path(__file__).parents[3] / "golden/sloth"
FILE = "slo/x.yaml"
WINDOW = "[{{.window}}]"


def found(text: str) -> list[tuple[str, int]]:
    return [(problem.code, problem.span.line) for problem in load({FILE: text})[1]]


def changed(old: str, new: str, text: str = GOOD) -> str:
    assert old in text
    return text.replace(old, new, 1)


def without(key: str, text: str = GOOD) -> str:
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if not line.strip().lstrip("- ").startswith(f"{key}:")]
    assert len(kept) < len(lines)
    return "".join(kept)


ERROR = 'sum(rate(orders_total{outcome="bad"}[{{.window}}]))'
TOTAL = f"sum(rate(orders_total{WINDOW}))"
SLI = f"""\
    sli:
      events:
        error_query: {ERROR}
        total_query: {TOTAL}
"""

REJECTED: list[tuple[str, str, list[tuple[str, int]]]] = [
    # an unknown version; a document that says none
    ("version 999", changed("prometheus/v1", "prometheus/v999"), [("spec/value", 1)]),
    ("no version", without("version"), [("spec/missing-key", 1)]),
    ("version of the old alert windows", changed("prometheus/v1", "alertWindows/v1"), [("spec/value", 1)]),
    # both problems of Sloth's bad example at once, of which Sloth names the first only
    (
        "objective 101 and a misspelt key",
        changed("page_alert:", "pageAlert:", changed("objective: 99.9", "objective: 101")),
        [("slo/objective", 7), ("spec/unknown-key", 16)],
    ),
    # an empty SLI in the second document
    (
        "an empty sli",
        GOOD + "---\n" + changed(SLI, "    sli: {}\n", GOOD.replace("shop", "other")),
        [("spec/value", 29)],
    ),
    # Kubernetes objects: an empty service, an empty alert name
    ("an empty service", changed('service: "checkout"', 'service: ""', OBJECT), [("spec/value", 9)]),
    ("an empty alert name", changed("name: OrdersRefused", 'name: ""', OBJECT), [("spec/value", 22)]),
    ("a spelling of the other format", changed("errorQuery", "error_query", OBJECT),
     [("spec/missing-key", 19), ("spec/unknown-key", 19)]),
    ("a misspelt kind", changed("kind: PrometheusServiceLevel", "kind: PrometheusServiceLevels", OBJECT),
     [("spec/value", 2)]),
    # names
    ("a service with a brace", changed('"shop"', '"this-is-{a-test"'), [("spec/value", 2)]),
    ("a service that begins with _", changed('"shop"', '"_shop"'), [("spec/value", 2)]),
    ("a service that ends with _", changed('"shop"', '"shop_"'), [("spec/value", 2)]),
    ("a service that is missing", without("service"), [("spec/missing-key", 1)]),
    ("a name with a brace", changed('"orders"', '"or{ders"'), [("spec/value", 6)]),
    ("a name that begins with -", changed('"orders"', '"-orders"'), [("spec/value", 6)]),
    ("a name that ends with .", changed('"orders"', '"orders."'), [("spec/value", 6)]),
    ("an empty name", changed('"orders"', '""'), [("spec/value", 6)]),
    ("a name of one letter", changed('"orders"', '"o"'), [("spec/value", 6)]),
    # indicators
    ("no kind of sli", changed("      events:\n", "").replace("        error", "      error").replace(
        "        total", "      total"), [("spec/value", 9), ("spec/unknown-key", 9), ("spec/unknown-key", 10)]),
    ("two kinds of sli", changed("      events:\n", f"      raw: {{error_ratio_query: 'a{WINDOW}'}}\n      events:\n"),
     [("spec/value", 9)]),
    ("equal queries", changed(TOTAL, ERROR), [("spec/value", 11)]),
    ("an empty error query", changed(f"error_query: {ERROR}", 'error_query: ""'), [("spec/value", 10)]),
    ("an empty total query", changed(f"total_query: {TOTAL}", 'total_query: ""'), [("spec/value", 11)]),
    ("no error query", without("error_query"), [("spec/missing-key", 10)]),
    ("an error query without window", changed(ERROR, "sum(rate(orders_bad[1m]))"), [("spec/value", 10)]),
    ("a total query without window", changed(TOTAL, "sum(rate(orders[1m]))"), [("spec/value", 11)]),
    ("a query that is a template", changed(ERROR, f'"{{{{ if true }}}}a{WINDOW}{{{{ end }}}}"'), [("spec/value", 10)]),
    ("an sli plugin", changed("      events:\n", "      plugin: {id: a/b, options: {metric: orders}}\n      events:\n"),
     [("spec/value", 9)]),
    ("no sli at all", changed(SLI, ""), [("spec/missing-key", 6)]),
    # objectives
    ("a negative objective", changed("99.9", "-1"), [("slo/objective", 7)]),
    ("an objective of 0", changed("99.9", "0"), [("slo/objective", 7)]),
    ("an objective a little above 100", changed("99.9", "100.0001"), [("slo/objective", 7)]),
    ("an objective of 100, which Sloth divides by zero", changed("99.9", "100"), [("slo/objective", 7)]),
    ("an objective in words", changed("99.9", "high"), [("spec/type", 7)]),
    ("no objective", without("objective"), [("spec/missing-key", 6)]),
    # labels and annotations
    ("a label name Prometheus refuses", changed("squad:", "squad-name:"), [("spec/value", 4)]),
    ("the metric's name as a label", changed("squad:", "__name__:"), [("spec/value", 4)]),
    ("an empty label", changed('"payments"', '""'), [("spec/value", 4)]),
    ("a number as a label", changed('"payments"', "2"), [("spec/type", 4)]),
    ("an empty label of an alert", changed("severity: wake", 'severity: ""'), [("spec/value", 18)]),
    ("a label name of an alert", changed("severity:", "se verity:"), [("spec/value", 18)]),
    ("an empty annotation", changed('"look at it"', '""'), [("spec/value", 15)]),
    ("an annotation name", changed("message:", "mes-sage:"), [("spec/value", 15)]),
    # alerts
    ("an alert without a name", changed("      name: OrdersFail\n", ""), [("spec/missing-key", 13)]),
    ("an alert of blanks", changed("OrdersFail", '" "'), [("spec/value", 13)]),
    ("disable in words", changed("disable: true", "disable: yes"), [("yaml/trap", 20), ("spec/type", 20)]),
    # plugins and the rest of the form
    ("slo plugins of the group", changed("slos:", "slo_plugins: {chain: [{id: a/b}]}\nslos:"), [("spec/value", 5)]),
    ("slo plugins of an slo", changed("    objective", "    plugins: {chain: [{id: a/b}]}\n    objective"),
     [("spec/value", 7)]),
    ("no slos", "version: prometheus/v1\nservice: shop\nslos: []\n", [("spec/value", 3)]),
    ("slos that are no list", "version: prometheus/v1\nservice: shop\nslos: {}\n", [("spec/type", 3)]),
    ("a key twice", changed("labels:\n", "labels: {}\nlabels:\n"), [("yaml/duplicate-key", 4)]),
    # OpenSLO v1alpha as Sloth takes it
    ("two time windows", ALPHA + "    - count: 7\n      unit: Day\n", [("spec/value", 34)]),
    ("a window of months", changed("unit: Day", "unit: Month", ALPHA), [("spec/value", 35)]),
    ("a window of no days", changed("count: 30", "count: 0", ALPHA), [("spec/value", 34)]),
    ("a target in percent", changed("target: 0.995", "target: 99.5", ALPHA), [("slo/objective", 21)]),
    ("another source", changed("source: prometheus", "source: datadog", ALPHA), [("spec/value", 14)]),
    ("another language", changed("queryType: promql", "queryType: sql", ALPHA), [("spec/value", 15)]),
    ("no objectives", ALPHA.partition("  objectives:")[0] + "  objectives: []\n", [("spec/value", 10)]),
    ("time slices", changed("Occurrences", "Timeslices", ALPHA), [("spec/value", 9)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), [case[1:] for case in REJECTED], ids=[case[0] for case in REJECTED])
def test_what_sloth_refuses_or_drops_is_a_problem_at_its_line(text: str, wanted: list[tuple[str, int]]) -> None:
    assert found(text) == wanted


def test_a_refused_objective_is_said_once() -> None:
    slos, problems = load({FILE: changed("99.9", "101")})
    assert math.isnan(slos.slos[0].objective)
    assert slos.windows == {}
    assert [problem.what for problem in problems] == ["the objective must lie between 0 and 100, not 101"]


def test_alerts_that_are_disabled_need_no_name() -> None:
    assert (
        found(
            changed(
                "        labels:\n          severity: wake\n",
                "        disable: true\n",
                changed("      name: OrdersFail\n", ""),
            )
        )
        == []
    )
