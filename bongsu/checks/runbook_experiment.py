"""A runbook that names an experiment which does not exist claims a proof nobody can run."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "runbook/experiment"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each runbook whose `experiment` does not exist or does not expect its alert."""
    folders = catalogue.manifest.catalogues
    if catalogue.unread(folders.experiments):
        return  # what is missing may stand in the file that cannot be read
    expected = {found.name: {alert.alert for alert in found.expects} for found in catalogue.experiments}
    for runbook in catalogue.runbooks:
        if not runbook.experiment or runbook.alert in expected.get(runbook.experiment, ()):
            continue
        near = difflib.get_close_matches(runbook.experiment, sorted(expected), 1)
        if runbook.experiment in expected:
            what = f"the experiment {runbook.experiment} does not expect {runbook.alert}"
            fix = "add the alert under its `expects:`, or remove the line"
        else:
            what = f"there is no experiment {runbook.experiment!r}"
            fix = f"did you mean {near[0]}?" if near else "write it in chaos/experiments, or remove the line"
        yield Problem(CODE, SEVERITY, runbook.span, what, "the runbook claims a proof nobody can run", fix)
