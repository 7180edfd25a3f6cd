"""Problems for machines: JSON, SARIF 2.1.0 and GitHub workflow commands, with the help of docs/checks.md.

Sources: SARIF 2.1.0 (OASIS, sections 3.13 to 3.52); escaping: actions/toolkit, core/src/command.ts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bongsu.core.diagnostics import ordered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bongsu.core.diagnostics import Problem, Span
    from bongsu.core.snooze import Snooze, Verdict

DOC = "docs/checks.md"
_TEXTS = (Path(__file__).parents[1] / "checks.md", Path(__file__).parents[2] / DOC)
"""Where the package keeps its documentation: a wheel carries a copy, a checkout has the file itself."""
_SECTION = re.compile(r"^## (?P<title>(?P<code>\S+) \([a-z]+\))\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_RESERVED = re.compile(rb"[^A-Za-z0-9._~/-]")
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


@dataclass(frozen=True, slots=True)
class Section:
    """What docs/checks.md says about one code; `anchor` is the heading's, as GitHub makes it."""

    anchor: str
    text: str


def own_sections() -> dict[str, Section]:
    """Return the sections of this very version of the checks, wherever the catalogue lies."""
    return sections(next(path for path in _TEXTS if path.is_file()).read_text(encoding="utf-8"))


def sections(markdown: str) -> dict[str, Section]:
    """Return code to section of the text of docs/checks.md."""
    return {
        found["code"]: Section(
            re.sub(r"[^\w\- ]", "", found["title"].lower()).replace(" ", "-"), " ".join(found["text"].split())
        )
        for found in _SECTION.finditer(markdown)
    }


def as_json(verdict: Verdict, docs: Mapping[str, Section]) -> str:
    """Return {"problems": [...], "snoozed": [...]}; `help` is the section that `doc` points to."""
    found = [_row(problem, docs) for problem in verdict.problems]
    put_off = [
        _row(problem, docs) | {"until": snooze.until.isoformat(), "reason": snooze.reason, "by": snooze.span.line}
        for problem, snooze in verdict.snoozed
    ]
    return json.dumps({"problems": found, "snoozed": put_off}, indent=2, ensure_ascii=False)


def as_sarif(verdict: Verdict, docs: Mapping[str, Section]) -> str:
    """Return a SARIF 2.1.0 log of one run; columns count characters, the end column lies behind the last one.

    What is snoozed is a result with a suppression; others say they have none (SARIF 3.27.23: all of them, or none).
    """
    found = [*((problem, None) for problem in verdict.problems), *verdict.snoozed]
    codes = sorted({problem.code for problem, _ in found})
    driver = {"name": "bongsu", "rules": [_rule(code, docs) for code in codes]}
    results = [
        {
            "ruleId": problem.code,
            "ruleIndex": codes.index(problem.code),
            "level": problem.severity.value,
            "message": {"text": _message(problem)},
            "locations": [_location(problem.span)],
            "suppressions": [] if snooze is None else [_suppression(snooze)],
        }
        for problem, snooze in found
    ]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def as_github(problems: Iterable[Problem]) -> str:
    """Return one workflow command a line; a value cannot end its property, its command or its line."""
    return "\n".join(
        f"::{p.severity.value} file={_property(p.span.file)},line={p.span.line},col={p.span.column},"
        f"endColumn={_end(p.span)},title={_property(p.code)}::{_data(_message(p))}"
        for p in ordered(problems)
    )


def _row(problem: Problem, docs: Mapping[str, Section]) -> dict[str, Any]:
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "file": problem.span.file,
        "line": problem.span.line,
        "column": problem.span.column,
        "endColumn": _end(problem.span),
        "what": problem.what,
        "why": problem.why,
        "fix": problem.fix,
        "doc": _doc(problem.code, docs),
        "help": docs[problem.code].text if problem.code in docs else "",
    }


def _location(span: Span) -> dict[str, Any]:
    region = {"startLine": span.line, "startColumn": span.column, "endColumn": _end(span)}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(span.file)}, "region": region}}


def _uri(file: str) -> str:
    """Return a relative reference by RFC 3986 (2.1, 2.3): all but unreserved characters and `/` is percent-encoded."""
    return _RESERVED.sub(lambda found: b"%%%02X" % ord(found.group()), file.encode()).decode()


def _suppression(snooze: Snooze) -> dict[str, Any]:
    why = f"until {snooze.until}: {snooze.reason}"
    return {"kind": "inSource", "status": "accepted", "justification": why, "location": _location(snooze.span)}


def _end(span: Span) -> int:
    return span.column + max(1, span.width)


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
