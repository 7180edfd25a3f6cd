"""Problems as data: stable code, severity, position, what, why and what to do; rendered like pint's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Severity(Enum):
    """How much a problem weighs: an error stops the compiler, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Span(NamedTuple):
    """A place in a file: line and column count from 1; width in characters."""

    file: str
    line: int = 1
    column: int = 1
    width: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: `what` is wrong, `why` it matters, `fix` is what to do; `code` never changes its meaning.

    `quoted` is false where the source line holds a secret, which must not get into the log of a CI.
    """

    code: str
    severity: Severity
    span: Span
    what: str
    why: str = ""
    fix: str = ""
    quoted: bool = True


def ordered(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems without duplicates, by file, line, column and code."""
    return sorted(dict.fromkeys(problems), key=lambda p: (p.span, p.code, p.what))


def has_errors(problems: Iterable[Problem]) -> bool:
    """Tell whether at least one problem is an error."""
    return any(p.severity is Severity.ERROR for p in problems)


def render(problems: Iterable[Problem], sources: Mapping[str, str]) -> str:
    """Return all problems as text, each with its source line and carets where the source is known."""
    found = ordered(problems)
    rows = {file: sources.get(file, "").splitlines() for file in {p.span.file for p in found}}
    return "\n".join(_render_one(p, rows[p.span.file] if p.quoted else []) for p in found)


def _render_one(problem: Problem, rows: Sequence[str]) -> str:
    lines = [f"{problem.span}: {problem.severity.value} [{problem.code}] {problem.what}"]
    if problem.span.line <= len(rows):
        number = str(problem.span.line)
        lines.append(f"  {number} | {rows[problem.span.line - 1]}")
        lines.append(f"  {' ' * len(number)} | {' ' * (problem.span.column - 1)}{'^' * max(1, problem.span.width)}")
    if problem.why:
        lines.append(f"  why: {problem.why}")
    if problem.fix:
        lines.append(f"  fix: {problem.fix}")
    return "\n".join(lines)
