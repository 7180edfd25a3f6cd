"""A query that does not parse makes Prometheus refuse the whole rule file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.checks.expressions import understood
from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "expr/syntax"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each expression that is not PromQL, at the character where it stops being it."""
    for expression in catalogue.expressions():
        found = understood(expression.text)[0] if expression.text else None
        if found:
            yield Problem(
                CODE,
                SEVERITY,
                catalogue.place(expression, found.offset, found.width),
                f"not valid PromQL: {found.message}",
                "Prometheus refuses a whole rule file for one bad expression",
                "correct the expression here",
            )
