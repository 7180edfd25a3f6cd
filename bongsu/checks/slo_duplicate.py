"""Two SLOs of one id overwrite each other's series."""

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
    """Yield each SLO id, and each service name, after its first declaration, over all files."""
    named = [(f"service {service.name}", service.span) for service in catalogue.slos.services]
    named += [(f"SLO {slo.id}", slo.span) for slo in catalogue.slos.slos]
    first: dict[str, Span] = {}
    for name, span in sorted(named, key=lambda found: found[1]):
        if name in first:
            what = f"{name} is declared twice, first at {first[name]}"
            yield Problem(CODE, SEVERITY, span, what, "both would record the same series", "rename or remove one")
        first.setdefault(name, span)
