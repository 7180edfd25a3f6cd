from __future__ import annotations

import json

import pytest

from bongsu.core.diagnostics import Problem, Severity, Span
from bongsu.core.formats import as_github, as_json, as_sarif, sections
from bongsu.core.yaml import Reader, load_documents

DOCS = sections("# Checks\n\n## alert/route (error)\n\nNo route\nnames it.\n\n## slo/target (error)\n\nOther.\n")
KNOWN = Problem(
    "alert/route", Severity.ERROR, Span("a,b:c.yaml", 3, 5, 4), "100% lost\n::error::x", "it pages", "add it"
)
UNKNOWN = Problem("yaml/trap", Severity.WARNING, Span("z.yaml", 1, 1, 0), "no")


def test_a_section_is_found_by_its_code_with_the_anchor_that_github_gives_its_heading() -> None:
    assert (DOCS["alert/route"].anchor, DOCS["alert/route"].text) == ("alertroute-error", "No route names it.")


def test_json_carries_place_and_section() -> None:
    first, second = json.loads(as_json([UNKNOWN, KNOWN], DOCS))["problems"]
    assert (first["line"], first["column"], first["endColumn"]) == (3, 5, 9)
    assert (first["doc"], second["doc"]) == ("docs/checks.md#alertroute-error", None)


def test_sarif_has_what_the_schema_requires_and_every_result_finds_its_rule() -> None:
    log = json.loads(as_sarif([KNOWN, UNKNOWN], DOCS))
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert (log["version"], run["tool"]["driver"]["name"]) == ("2.1.0", "bongsu")
    assert [rules[r["ruleIndex"]]["id"] for r in run["results"]] == ["alert/route", "yaml/trap"]
    assert all(r["message"]["text"] and r["level"] in {"error", "warning"} for r in run["results"])
    assert rules[0]["help"]["text"].startswith("No route names it.")


def test_a_github_command_cannot_be_broken_out_of() -> None:
    assert as_github([KNOWN]) == (
        "::error file=a%2Cb%3Ac.yaml,line=3,col=5,endColumn=9,title=alert/route"
        "::100%25 lost%0A::error::x%0Awhy: it pages%0Afix: add it"
    )


@pytest.mark.parametrize("value", ["9" * 400, "1.0e+999", "-1.0e+999"])
def test_a_number_that_overflows_a_float_is_a_problem_and_no_crash(value: str) -> None:
    nodes, problems = load_documents(f"a: {value}\n", "f.yaml")
    assert Reader(nodes[0], problems).number("a") == 0.0
    assert [(p.code, p.span.line) for p in problems] == [("spec/type", 1)]
