from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from bongsu.core.diagnostics import Problem, Severity, Span
from bongsu.core.formats import as_github, as_json, as_sarif, sections
from bongsu.core.snooze import Snooze, Verdict
from bongsu.core.yaml import Reader, load_documents

DOCS = sections("# Checks\n\n## alert/route (error)\n\nNo route\nnames it.\n\n## slo/target (error)\n\nOther.\n")
KNOWN = Problem(
    "alert/route", Severity.ERROR, Span("a,b:c.yaml", 3, 5, 4), "100% lost\n::error::x", "it pages", "add it"
)
UNKNOWN = Problem("yaml/trap", Severity.WARNING, Span("z.yaml", 1, 1, 0), "no")


def test_a_section_is_found_by_its_code_with_the_anchor_that_github_gives_its_heading() -> None:
    assert (DOCS["alert/route"].anchor, DOCS["alert/route"].text) == ("alertroute-error", "No route names it.")


def test_json_carries_place_and_section() -> None:
    first, second = json.loads(as_json(Verdict((KNOWN, UNKNOWN)), DOCS))["problems"]
    assert (first["line"], first["column"], first["endColumn"]) == (3, 5, 9)
    assert (first["doc"], second["doc"]) == ("docs/checks.md#alertroute-error", None)


def test_sarif_has_what_the_schema_requires_and_every_result_finds_its_rule() -> None:
    log = json.loads(as_sarif(Verdict((KNOWN, UNKNOWN)), DOCS))
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert (log["version"], run["tool"]["driver"]["name"]) == ("2.1.0", "bongsu")
    assert [rules[r["ruleIndex"]]["id"] for r in run["results"]] == ["alert/route", "yaml/trap"]
    assert all(r["message"]["text"] and r["level"] in {"error", "warning"} for r in run["results"])
    assert rules[0]["help"]["text"].startswith("No route names it.")


# SARIF 2.1.0 errata 01, the definitions that our logs use: what must be there, and whatever else may be.
REQUIRED = {
    "sarifLog": {"version", "runs"},
    "run": {"tool"},
    "tool": {"driver"},
    "toolComponent": {"name"},
    "reportingDescriptor": {"id"},
    "result": {"message"},
    "suppression": {"kind"},
    "multiformatMessageString": {"text"},
}
ALLOWED = {
    "sarifLog": {"$schema", "version", "runs"},
    "run": {"tool", "columnKind", "results"},
    "tool": {"driver"},
    "toolComponent": {"name", "rules"},
    "reportingDescriptor": {"id", "help"},
    "result": {"ruleId", "ruleIndex", "level", "message", "locations", "suppressions"},
    "message": {"text"},
    "multiformatMessageString": {"text"},
    "location": {"physicalLocation"},
    "physicalLocation": {"artifactLocation", "region"},
    "artifactLocation": {"uri"},
    "region": {"startLine", "startColumn", "endColumn"},
    "suppression": {"kind", "status", "justification", "location"},
}
CHILDREN = {
    ("sarifLog", "runs"): "run",
    ("run", "tool"): "tool",
    ("run", "results"): "result",
    ("tool", "driver"): "toolComponent",
    ("toolComponent", "rules"): "reportingDescriptor",
    ("reportingDescriptor", "help"): "multiformatMessageString",
    ("result", "message"): "message",
    ("result", "locations"): "location",
    ("result", "suppressions"): "suppression",
    ("location", "physicalLocation"): "physicalLocation",
    ("physicalLocation", "artifactLocation"): "artifactLocation",
    ("physicalLocation", "region"): "region",
    ("suppression", "location"): "location",
}
ENUMS = {
    "version": {"2.1.0"},
    "level": {"none", "note", "warning", "error"},
    "columnKind": {"utf16CodeUnits", "unicodeCodePoints"},
    "kind": {"inSource", "external"},
    "status": {"accepted", "underReview", "rejected"},
}
URI_REFERENCE = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=@/]|%[0-9A-F]{2})+")
"""RFC 3986, of a relative reference: a colon in the first segment would make a scheme of what stands before it."""


def faults(value: dict[str, Any], kind: str = "sarifLog") -> Iterator[str]:
    """Yield what the schema has against an object of a kind, and against everything in it."""
    yield from (f"{kind} lacks {name}" for name in REQUIRED.get(kind, set()) - value.keys())
    yield from (f"{kind} has {name}" for name in value.keys() - ALLOWED[kind])
    for name, inner in value.items():
        if name in ENUMS and inner not in ENUMS[name]:
            yield f"{name} is {inner!r}"
        if name == "uri" and not URI_REFERENCE.fullmatch(inner):
            yield f"uri is {inner!r}"
        if kind == "region" and (not isinstance(inner, int) or inner < 1):
            yield f"{name} is {inner!r}"
        if (kind, name) in CHILDREN:
            for one in inner if isinstance(inner, list) else [inner]:
                yield from faults(one, CHILDREN[kind, name])


def test_a_log_is_what_the_schema_of_sarif_wants() -> None:
    odd = Problem("alert/route", Severity.ERROR, Span("a b/\u00e9:%#?.yaml", 1, 1, 0), "x")
    snooze = Snooze(Span("z.yaml", 2, 1, 3), date(2026, 12, 31), "yaml/trap", "why", 1, 9)
    log = json.loads(as_sarif(Verdict((KNOWN, odd), ((UNKNOWN, snooze),)), DOCS))
    assert list(faults(log)) == []
    results = log["runs"][0]["results"]
    assert [len(one["suppressions"]) for one in results] == [0, 0, 1]
    uri = results[1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%20b/%C3%A9%3A%25%23%3F.yaml"


@pytest.mark.parametrize(
    ("break_it", "fault"),
    [
        (lambda log: log.pop("version"), "sarifLog lacks version"),
        (lambda log: log["runs"][0]["results"][0].pop("message"), "result lacks message"),
        (lambda log: log["runs"][0]["results"][0].update(level="fatal"), "level is 'fatal'"),
        (lambda log: log["runs"][0]["results"][0].update(doc="x"), "result has doc"),
        (lambda log: location(log)["artifactLocation"].update(uri="a b"), "uri is 'a b'"),
        (lambda log: location(log)["region"].update(startLine=0), "startLine is 0"),
    ],
)
def test_a_log_that_the_schema_refuses_is_refused_here_too(break_it: Callable[[Any], object], fault: str) -> None:
    log = json.loads(as_sarif(Verdict((KNOWN,)), DOCS))
    break_it(log)
    assert list(faults(log)) == [fault]


def location(log: Any) -> Any:
    return log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]


def test_a_github_command_cannot_be_broken_out_of() -> None:
    assert as_github([KNOWN]) == (
        "::error file=a%2Cb%3Ac.yaml,line=3,col=5,endColumn=9,title=alert/route"
        "::100%25 lost%0A::error::x%0Awhy: it pages%0Afix: add it"
    )


@pytest.mark.parametrize("value", ["9" * 400, "1.0e+999", "-1.0e+999", "-" + "9" * 400, "9" * 5000, "-" + "9" * 5000])
def test_a_number_that_overflows_a_float_is_a_problem_and_no_crash(value: str) -> None:
    nodes, problems = load_documents(f"a: {value}\n", "f.yaml")
    assert Reader(nodes[0], problems).number("a") == 0.0
    assert [(p.code, p.span.line) for p in problems] == [("spec/type", 1)]
