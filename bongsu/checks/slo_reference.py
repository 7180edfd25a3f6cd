"""A reference to a document that does not exist leaves an SLO without what it names."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "slo/reference"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each reference whose kind has no document of that name, in no file of the slo catalogue."""
    if catalogue.unread(catalogue.manifest.catalogues.slo):
        return  # what is missing may stand in the file that cannot be read
    known: dict[str, set[str]] = {}
    for document in catalogue.slos.documents:
        known.setdefault(document.kind, set()).add(document.name)
    for reference in catalogue.slos.references:
        names = known.get(reference.kind, set())
        if reference.name not in names:
            near = difflib.get_close_matches(reference.name, sorted(names), 1)
            yield Problem(
                CODE,
                SEVERITY,
                reference.span,
                f"no {reference.kind} {reference.name!r} is declared",
                "nothing would be compiled in its place",
                f"did you mean {near[0]!r}?" if near else "declare it in a file of the slo catalogue",
            )
