"""A metric declared for nobody lets a misspelling of tomorrow pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.checks.expressions import EXTERNAL, own_metrics, recorded, understood
from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "metric/unused"
SEVERITY = Severity.WARNING


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each name or pattern of the manifest's `metrics:` that no selector of an otherwise unknown metric needs."""
    if not catalogue.manifest.metrics or catalogue.problems:
        return  # what cannot be read may use it
    known = own_metrics().keys() | recorded(catalogue)
    used = {selector.name for text in catalogue.expressions() if text.text for selector in understood(text.text)[1]}
    needed = {name for name in used if name not in known and not EXTERNAL.match(name)}
    for one in catalogue.manifest.metrics:
        if not any(one.covers(name) for name in needed):
            yield Problem(
                CODE,
                SEVERITY,
                one.span,
                f"no expression needs {one.pattern} to be declared",
                "a declared metric is never called unknown, not even where its name is a misspelling",
                "remove it from `metrics:`",
            )
