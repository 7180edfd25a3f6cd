"""An alert nobody has seen fire counts as absent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "alert/unproved"
SEVERITY = Severity.WARNING


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each alert that no experiment expects."""
    folders = catalogue.manifest.catalogues
    if catalogue.unread(folders.experiments):
        return  # what is missing may stand in the file that cannot be read
    proved = {expected.alert for experiment in catalogue.experiments for expected in experiment.expects}
    for name, span in sorted(catalogue.alert_spans().items()):
        if name not in proved:
            yield Problem(
                CODE,
                SEVERITY,
                span,
                f"no experiment proves {name}",
                "an alert nobody has seen fire counts as absent",
                "add it under `expects:` of an experiment in chaos/experiments",
            )
