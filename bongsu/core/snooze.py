"""Put a problem off until a day, with a reason: `# bongsu snooze 2026-12-31 alert/unproved: reason`.

The comment stands on a line of its own and holds for the next line that is not a comment; before the first line of a
document it holds for the document. Until and with its day; after it, it is an error itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity, Span, ordered

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

FORM, EXPIRED, USELESS = "snooze/form", "snooze/expired", "snooze/useless"
_ANY = re.compile(r"(?:^|\s)(?P<comment>#\s*bongsu:?\s+snooze\b(?P<rest>.*))$", re.IGNORECASE)
_REST = re.compile(r"\s+(?P<until>[0-9]{4}-[0-9]{2}-[0-9]{2})\s+(?P<code>[a-z]+/[a-z-]+):\s+(?P<reason>\S.*)")
_SEPARATOR = re.compile(r"---(?:\s|$)")
_EXAMPLE = "write `# bongsu snooze 2026-12-31 alert/unproved: why it can wait` on a line of its own"


@dataclass(frozen=True, slots=True)
class Snooze:
    """One comment: what it puts off, in the lines `first` to `last` of its file, until when (inclusive) and why."""

    span: Span
    until: date
    code: str
    reason: str
    first: int
    last: int

    def covers(self, problem: Problem) -> bool:
        """Tell whether a problem is of the code and in the lines meant."""
        at = problem.span
        return problem.code == self.code and at.file == self.span.file and self.first <= at.line <= self.last


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is left to say, and what is put off by what."""

    problems: tuple[Problem, ...]
    snoozed: tuple[tuple[Problem, Snooze], ...] = ()

    def summary(self) -> str:
        """Return how many are put off and until when at least; nothing when none is."""
        if not self.snoozed:
            return ""
        return f"{len(self.snoozed)} snoozed, the first until {min(snooze.until for _, snooze in self.snoozed)}"


def read_snoozes(sources: Mapping[str, str]) -> tuple[list[Snooze], list[Problem]]:
    """Return the comments of `{file: text}`, and those that are not of the form."""
    found: list[Snooze] = []
    problems: list[Problem] = []
    for file, text in sources.items():
        if "snooze" in text.lower():
            _read(file, text.splitlines(), found, problems)
    return found, problems


def put_off(
    problems: Iterable[Problem],
    sources: Mapping[str, str],
    today: date,
    codes: Collection[str],
    unasked: Collection[str] = (),
) -> Verdict:
    """Return the problems that are left, with those of the comments themselves.

    `codes` may be put off, others not. Of `unasked` codes nobody knows whether there is a problem: their comments are
    not called useless.
    """
    snoozes, found = read_snoozes(sources)
    if not snoozes and not found:
        return Verdict(tuple(ordered(problems)))
    off: dict[Problem, Snooze] = {}
    left = []
    good = [snooze for snooze in snoozes if snooze.code in codes and snooze.until >= today]
    for problem in ordered(problems):
        snooze = next((one for one in good if one.covers(problem)), None)
        if snooze:
            off[problem] = snooze
        else:
            left.append(problem)
    used = set(off.values())
    for snooze in snoozes:
        if snooze.code not in codes:
            found.append(_refused(snooze, codes))
        elif snooze.until < today:
            what = f"the snooze of {snooze.code} ended on {snooze.until}"
            why = f"it was put off because: {snooze.reason}"
            found.append(Problem(EXPIRED, Severity.ERROR, snooze.span, what, why, "solve it, or decide anew"))
        elif snooze not in used and snooze.code not in unasked:
            what = f"there is no {snooze.code} to snooze here"
            why = "it would hide a problem of tomorrow that nobody has decided about"
            found.append(Problem(USELESS, Severity.WARNING, snooze.span, what, why, "remove the comment"))
    return Verdict(tuple(ordered([*left, *found])), tuple(off.items()))


def _read(file: str, lines: list[str], found: list[Snooze], problems: list[Problem]) -> None:
    """Find the comments of one file; in Markdown, the first line opens its only document."""
    ends = [n for n, line in enumerate(lines, 1) if _SEPARATOR.match(line) and (n == 1 or not file.endswith(".md"))]
    head = True
    for number, line in enumerate(lines, 1):
        hit = _ANY.search(line)
        if hit:
            span = Span(file, number, hit.start("comment") + 1, len(hit["comment"].rstrip()))
            known = _REST.fullmatch(hit["rest"].rstrip()) if line.lstrip().startswith("#") else None
            until = _date(known["until"]) if known else None
            if known is None or until is None:
                why = "a snooze needs a day on which it ends, one code and a reason"
                problems.append(Problem(FORM, Severity.ERROR, span, "this snooze cannot be read", why, _EXAMPLE))
                continue
            end = next((n - 1 for n in ends if n > number), len(lines))
            if head:
                first, last = number, end
            else:
                first = last = next((n for n in range(number + 1, end + 1) if not _blank(lines[n - 1])), 0)
            found.append(Snooze(span, until, known["code"], known["reason"], first, last))
        head = number in ends or (head and _blank(line))


def _blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _refused(snooze: Snooze, codes: Collection[str]) -> Problem:
    what = f"{snooze.code} is nothing that can be snoozed"
    why = "what is put off must leave the output as its author wrote it"
    return Problem(USELESS, Severity.WARNING, snooze.span, what, why, f"these can: {', '.join(sorted(codes))}")
