"""A selector that finds nothing in the Prometheus that will evaluate it: misspelt, or not there yet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.checks.expressions import STATES, parseable, recorded, understood
from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue, Seen
    from bongsu.core.promql import Expression, Selector

CODE = "online/no-series"
SEVERITY = Severity.WARNING


@dataclass(frozen=True, slots=True)
class Question:
    """A selector to ask a Prometheus about: its text, its metric, and each of its matchers."""

    text: str
    name: str
    matchers: tuple[str, ...]


def questions(catalogue: Catalogue) -> list[Question]:
    """Return every selector of every expression once, but for what our own rules record and the states of alerts."""
    found = {
        text: Question(
            text,
            selector.name,
            tuple(f"{m.label}{m.op}{json.dumps(m.value, ensure_ascii=False)}" for m in selector.matchers),
        )
        for _, selector, text in _asked(catalogue)
    }
    return list(found.values())


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each selector that was asked and selects no series; nothing when no Prometheus was asked."""
    for expression, selector, text in _asked(catalogue) if catalogue.live else ():
        seen = catalogue.live.get(text)
        if seen is not None and not seen.selects:
            what, fix = _words(seen)
            place = catalogue.place(expression, selector.offset, len(selector.name))
            why = "what it counts is absent, not 0: an alert on it stays silent, an SLO has no data"
            yield Problem(CODE, SEVERITY, place, what, why, fix)


def _asked(catalogue: Catalogue) -> Iterator[tuple[Expression, Selector, str]]:
    own = recorded(catalogue) | STATES
    for expression in catalogue.expressions():
        for selector in understood(expression.text)[1] if expression.text else ():
            if selector.name and selector.name not in own:
                yield expression, selector, parseable(expression.text)[selector.offset : selector.end].strip()


def _words(seen: Seen) -> tuple[str, str]:
    if not seen.exists:
        return f"this Prometheus has no series of {seen.name}", "correct the name, or have it scraped"
    if seen.empty:
        return f"{seen.name} exists, but no series of it with {', '.join(seen.empty)}", "correct the label or its value"
    return f"{seen.name} exists, and with each of these matchers, but not with all of them", "loosen one of them"
