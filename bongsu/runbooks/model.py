"""What a runbook says and what it does: prose for a person, typed steps for a machine, one file for both."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bongsu.core.promql import Expression, compress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bongsu.core.diagnostics import Span

HEADINGS = ("What it means", "Impact", "Check", "Act", "Verify", "Escalate")
DECLARES = ("heals", "contains", "escalates")
LANGUAGES = ("en", "ko")
VERBS = ("action", "query", "probe")
EMPTY = "empty"

_EXPECT = re.compile(r"^(<=|>=|==|!=|<|>)\s*(-?[0-9]+(?:\.[0-9]+)?)$")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """What every sample of a query must satisfy: a comparison with a number, or that there is none (`empty`)."""

    op: str
    value: float = 0.0

    def complaint(self, samples: Sequence[float]) -> str | None:
        """Return why the samples are not as expected, or None when they are; no sample satisfies no comparison."""
        if self.op == EMPTY:
            return f"expected no sample, got {len(samples)}" if samples else None
        if not samples:
            return f"expected {self}, got no sample"
        wrong = [sample for sample in samples if not _OPERATORS[self.op](sample, self.value)]
        return f"expected {self}, got {wrong[0]:g}" if wrong else None

    def __str__(self) -> str:
        return EMPTY if self.op == EMPTY else f"{self.op} {self.value:g}"


def parse_expectation(text: str) -> Expectation:
    """Return the expectation of a text such as `>= 0.95` or `empty`; raise ValueError for anything else."""
    if text == EMPTY:
        return Expectation(EMPTY)
    found = _EXPECT.match(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not an expectation: write a comparison like '>= 0.95', or 'empty'")
    return Expectation(found.group(1), float(found.group(2)))


@dataclass(frozen=True, slots=True)
class ActionStep:
    """Call an action of the manifest with typed arguments; it succeeds with exit code 0."""

    section: str
    action: str
    arguments: Mapping[str, str]
    span: Span

    def identity(self) -> tuple[object, ...]:
        """Return what makes two steps the same in two languages."""
        return ("action", self.section, self.action, tuple(sorted(self.arguments.items())))

    def compressed(self, _factor: float) -> ActionStep:
        """Return the step as it is: an action has no time."""
        return self


@dataclass(frozen=True, slots=True)
class QueryStep:
    """Ask Prometheus; `within` seconds to meet the expectation, 0 for at once. Without expectation: for reading."""

    section: str
    expr: Expression
    expect: Expectation | None
    within: float
    span: Span

    def identity(self) -> tuple[object, ...]:
        """Return what makes two steps the same in two languages."""
        return ("query", self.section, self.expr.text, str(self.expect), self.within)

    def compressed(self, factor: float) -> QueryStep:
        """Return the step for a time-compressed stack: windows and patience divided, numbers kept."""
        text = compress(self.expr.text, factor)
        return replace(self, expr=Expression(text, self.expr.span), within=self.within / factor)


@dataclass(frozen=True, slots=True)
class ProbeStep:
    """Ask the golden question through the manifest's probe; exit code 0 means the system answers truly."""

    section: str
    span: Span

    def identity(self) -> tuple[object, ...]:
        """Return what makes two steps the same in two languages."""
        return ("probe", self.section)

    def compressed(self, _factor: float) -> ProbeStep:
        """Return the step as it is: the probe has a deadline of its own in the manifest."""
        return self


Step = ActionStep | QueryStep | ProbeStep


@dataclass(frozen=True, slots=True)
class Runbook:
    """The answer to one alert in one language; `span` is where its front matter names the alert."""

    alert: str
    language: str
    file: str
    declares: str
    experiment: str
    steps: tuple[Step, ...]
    span: Span

    def of(self, section: str) -> tuple[Step, ...]:
        """Return the steps of one section, in order."""
        return tuple(step for step in self.steps if step.section == section)


def named(file_name: str) -> tuple[str, str]:
    """Return the alert and the language a file name stands for: `X.md` is English, `X.ko.md` Korean."""
    stem = file_name.removesuffix(".md")
    for language in LANGUAGES[1:]:
        if stem.endswith(f".{language}"):
            return stem.removesuffix(f".{language}"), language
    return stem, LANGUAGES[0]
