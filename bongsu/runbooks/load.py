"""Read runbooks/<AlertName>[.ko].md: front matter, the six headings, and the typed step blocks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity, Span
from bongsu.core.durations import parse_duration
from bongsu.core.promql import Expression
from bongsu.core.yaml import Node, Reader, load_documents
from bongsu.runbooks.model import (
    DECLARES,
    HEADINGS,
    VERBS,
    ActionStep,
    ProbeStep,
    QueryStep,
    Runbook,
    Step,
    named,
    parse_expectation,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

FENCE = "```"
INFO = "bongsu"


@dataclass(frozen=True, slots=True)
class _Block:
    """A fenced step: the number of its first body line, its YAML, the section it stands in."""

    line: int
    text: str
    section: str


def load(texts: Mapping[str, str]) -> tuple[tuple[Runbook, ...], list[Problem]]:
    """Return the runbooks of `{file: text}` and every problem of their form; the order of files does not matter."""
    problems: list[Problem] = []
    found = [_runbook(file, texts[file], problems) for file in sorted(texts)]
    return tuple(sorted(found, key=lambda r: (r.alert, r.language, r.file))), problems


def _runbook(file: str, text: str, problems: list[Problem]) -> Runbook:
    alert, language = named(PurePosixPath(file).name)
    lines = text.splitlines()
    front, body_line = _front_matter(file, lines, problems)
    reader = Reader(front, problems)
    name = reader.text("alert")
    if name and name != alert:
        reader.fail("runbook/name", reader.span("alert"), f"the file is named for {alert}", "file name = alert name")
    declares = reader.choice("declares", DECLARES)
    experiment = reader.text("experiment", "")
    reader.done()
    headings, blocks = _scan(file, lines, body_line, problems)
    _check_headings(file, headings, problems)
    steps = tuple(step for block in blocks if (step := _step(file, block, problems)) is not None)
    return Runbook(alert, language, file, declares, experiment, steps, reader.span("alert"))


def _front_matter(file: str, lines: list[str], problems: list[Problem]) -> tuple[Node, int]:
    """Return the front matter and the number of the line after it; positions are those of the Markdown file."""
    if lines and lines[0].strip() == "---":
        for number, line in enumerate(lines[1:], start=2):
            if line.strip() == "---":
                nodes, found = _yaml(file, "\n".join(lines[1 : number - 1]), 2)
                problems += found
                return (nodes[0] if nodes else Node({}, Span(file))), number + 1
    fix = "open with ---, alert:, declares:, ---"
    problems.append(_problem("runbook/front-matter", Span(file), "the runbook has no front matter", fix))
    # Its keys are missing because it is: one problem, not three.
    keys = {"alert": named(PurePosixPath(file).name)[0], "declares": DECLARES[-1]}
    return Node({key: Node(value, Span(file)) for key, value in keys.items()}, Span(file)), 1


def _yaml(file: str, text: str, line: int) -> tuple[list[Node], list[Problem]]:
    """Read YAML that begins at `line` of a Markdown file: leading newlines move its positions there.

    Its last line has an end, as the fence after it says: without one libyaml is not trusted (core/yaml.py).
    """
    return load_documents("\n" * (line - 1) + text + "\n", file)


def _scan(
    file: str, lines: list[str], start: int, problems: list[Problem]
) -> tuple[list[tuple[str, int]], list[_Block]]:
    """Return the second-level headings with their lines and the step blocks; other code blocks are prose."""
    headings: list[tuple[str, int]] = []
    blocks: list[_Block] = []
    fence_line, info = 0, ""
    for number, line in enumerate(lines, start=1):
        if number < start:
            continue
        stripped = line.strip()
        if fence_line:
            if stripped == FENCE:
                if info == INFO:
                    body = "\n".join(lines[fence_line : number - 1])
                    blocks.append(_Block(fence_line + 1, body, headings[-1][0] if headings else ""))
                fence_line = 0
        elif stripped.startswith(FENCE):
            fence_line, info = number, stripped.removeprefix(FENCE).strip()
        elif line.startswith("## "):
            headings.append((line.removeprefix("## ").strip(), number))
    if fence_line:
        problems.append(_problem("runbook/fence", Span(file, fence_line), "the code block is never closed", "add ```"))
    return headings, blocks


def _check_headings(file: str, headings: list[tuple[str, int]], problems: list[Problem]) -> None:
    names = tuple(name for name, _ in headings)
    if names == HEADINGS:
        return
    wrong = next((line for (name, line), wanted in zip(headings, HEADINGS, strict=False) if name != wanted), 0)
    span = Span(file, wrong or (headings[-1][1] if headings else 1))
    what = f"the headings are not those of every runbook: {', '.join(names) or 'none'}"
    why = "at 3 a.m. everything stands where it always stands"
    problems.append(_problem("runbook/headings", span, what, f"write ## {', ## '.join(HEADINGS)}, in this order", why))


def _step(file: str, block: _Block, problems: list[Problem]) -> Step | None:
    nodes, found = _yaml(file, block.text, block.line)
    problems += found
    if len(nodes) != 1:
        if not found:
            problems.append(_problem("runbook/step", Span(file, block.line), "the step is empty", "write verb: ..."))
        return None
    reader = Reader(nodes[0], problems)
    verb = reader.choice("verb", VERBS)
    span = reader.span("verb")
    step: Step | None = None
    if verb == "action":
        step = ActionStep(block.section, reader.text("action"), _arguments(reader), span)
    elif verb == "query":
        expr = Expression(reader.text("expr").strip(), reader.span("expr"))
        expect = (
            reader.parsed("expect", parse_expectation, parse_expectation("empty")) if reader.has("expect") else None
        )
        step = QueryStep(block.section, expr, expect, reader.parsed("within", parse_duration, 0.0), span)
    elif verb == "probe":
        step = ProbeStep(block.section, span)
    if step is not None:
        reader.done()
    return step


def _arguments(reader: Reader) -> dict[str, str]:
    """Return the arguments as text; their types are the manifest's to judge (checks/runbook_step)."""
    arguments = {}
    for name, node in reader.mapping("arguments", required=False).items():
        if isinstance(node.value, str | int) and not isinstance(node.value, bool):
            arguments[name] = str(node.value)
        else:
            reader.fail("spec/type", node.span, f"arguments.{name} must be text or a whole number", "quote the value")
    return arguments


def _problem(code: str, span: Span, what: str, fix: str, why: str = "") -> Problem:
    return Problem(code, Severity.ERROR, span, what, why, fix)
