"""Problems for machines: JSON, SARIF 2.1.0 and GitHub workflow commands, with the help of docs/checks.md.

Sources: SARIF 2.1.0 (OASIS, sections 3.13 to 3.52); escaping: actions/toolkit, core/src/command.ts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bongsu.core.diagnostics import ordered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bongsu.core.diagnostics import Problem

DOC = "docs/checks.md"
_SECTION = re.compile(r"^## (?P<title>(?P<code>\S+) \([a-z]+\))\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


@dataclass(frozen=True, slots=True)
class Section:
    """What docs/checks.md says about one code; `anchor` is the heading's, as GitHub makes it."""

    anchor: str
    text: str


def sections(markdown: str) -> dict[str, Section]:
    """Return code to section of the text of docs/checks.md."""
    return {
        found["code"]: Section(
            re.sub(r"[^\w\- ]", "", found["title"].lower()).replace(" ", "-"), " ".join(found["text"].split())
        )
        for found in _SECTION.finditer(markdown)
    }


def as_json(problems: Iterable[Problem], docs: Mapping[str, Section]) -> str:
    """Return {"problems": [...]}; `doc` is null for a code without a section."""
    rows = [
        {
            "code": p.code,
            "severity": p.severity.value,
            "file": p.span.file,
            "line": p.span.line,
            "column": p.span.column,
            "endColumn": _end(p),
            "what": p.what,
            "why": p.why,
            "fix": p.fix,
            "doc": _doc(p.code, docs),
        }
        for p in ordered(problems)
    ]
    return json.dumps({"problems": rows}, indent=2, ensure_ascii=False)


def as_sarif(problems: Iterable[Problem], docs: Mapping[str, Section]) -> str:
    """Return a SARIF 2.1.0 log of one run; columns count characters, the end column lies behind the last one."""
    found = ordered(problems)
    codes = sorted({p.code for p in found})
    driver = {"name": "bongsu", "rules": [_rule(code, docs) for code in codes]}
    results = [
        {
            "ruleId": p.code,
            "ruleIndex": codes.index(p.code),
            "level": p.severity.value,
            "message": {"text": _message(p)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": p.span.file},
                        "region": {"startLine": p.span.line, "startColumn": p.span.column, "endColumn": _end(p)},
                    }
                }
            ],
        }
        for p in found
    ]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def as_github(problems: Iterable[Problem]) -> str:
    """Return one workflow command a line; a value cannot end its property, its command or its line."""
    return "\n".join(
        f"::{p.severity.value} file={_property(p.span.file)},line={p.span.line},col={p.span.column},"
        f"endColumn={_end(p)},title={_property(p.code)}::{_data(_message(p))}"
        for p in ordered(problems)
    )


def _end(problem: Problem) -> int:
    return problem.span.column + max(1, problem.span.width)


def _doc(code: str, docs: Mapping[str, Section]) -> str | None:
    return f"{DOC}#{docs[code].anchor}" if code in docs else None


def _rule(code: str, docs: Mapping[str, Section]) -> dict[str, Any]:
    if code not in docs:
        return {"id": code}
    return {"id": code, "help": {"text": f"{docs[code].text} ({_doc(code, docs)})"}}


def _message(problem: Problem) -> str:
    parts = (problem.what, f"why: {problem.why}" if problem.why else "", f"fix: {problem.fix}" if problem.fix else "")
    return "\n".join(part for part in parts if part)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
