"""An objective of 100 % has no error budget, and one of 0 % no meaning."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "slo/objective"
SEVERITY = Severity.ERROR
_WHOLE, _PERCENT = 1.0, 100.0


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each objective that is not strictly between 0 and 1; one that is no number was reported by the loader."""
    for slo in catalogue.slos.slos:
        if slo.sane or math.isnan(slo.objective):
            continue
        percent = _WHOLE < slo.objective < _PERCENT
        yield Problem(
            CODE,
            SEVERITY,
            slo.objective_span,
            f"the objective of {slo.name} must be between 0 and 1, not {slo.objective:g}",
            "100% leaves no error budget to burn: every single failure would page"
            if slo.objective == _WHOLE
            else "the error budget is 1 - objective",
            f"write target: {slo.objective / _PERCENT:g}" if percent else "write a share such as 0.99",
        )
