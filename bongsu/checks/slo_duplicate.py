"""Two SLOs of one id overwrite each other's series; of two documents of one name only the first is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue
    from bongsu.core.diagnostics import Span

CODE = "slo/duplicate"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each SLO id, and each name of any other kind, after its first declaration, over all files."""
    named = [(f"service {service.name}", service.span) for service in catalogue.slos.services]
    named += [(f"SLO {slo.id}", slo.span) for slo in catalogue.slos.slos]
    for span, what in _again(named):
        yield Problem(CODE, SEVERITY, span, what, "both would record the same series", "rename or remove one")
    others = [(f"{document.kind} {document.name}", document.span) for document in catalogue.slos.documents]
    for span, what in _again(others):
        yield Problem(CODE, SEVERITY, span, what, "nobody could tell which of them is meant", "rename or remove one")


def _again(named: list[tuple[str, Span]]) -> Iterator[tuple[Span, str]]:
    first: dict[str, Span] = {}
    for name, span in sorted(named, key=lambda found: found[1]):
        if name in first:
            yield span, f"{name} is declared twice, first at {first[name]}"
        first.setdefault(name, span)
