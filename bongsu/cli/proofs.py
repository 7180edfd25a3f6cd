"""What proofs are made of and how long they hold: experiments, runbooks, and the digests that evidence expires by."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import bongsu
from bongsu.alerts.compile import file_name as alert_file
from bongsu.chaos import evidence
from bongsu.cli.catalogue import ALERTMANAGER, PROMETHEUS, compile_all
from bongsu.core.errors import UsageError
from bongsu.slo.compile import file_name as slo_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bongsu.chaos.model import Experiment
    from bongsu.cli.catalogue import Catalogue
    from bongsu.runbooks.model import Runbook

EVIDENCE = "evidence"
LOCK = "requirements/base.txt"
RUNNER = (
    "bongsu.chaos.run",
    "bongsu.chaos.steps",
    "bongsu.chaos.adapters.commands",
    "bongsu.chaos.adapters.faultline",
    "bongsu.chaos.adapters.observers",
)


def find_experiment(catalogue: Catalogue, name: str) -> Experiment:
    """Return an experiment by name; raise UsageError that names the nearest one."""
    for experiment in catalogue.experiments:
        if experiment.name == name:
            return experiment
    known = sorted(experiment.name for experiment in catalogue.experiments)
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"experiments: {', '.join(known) or 'none'}"
    raise UsageError(f"no experiment {name!r}", where=catalogue.manifest.catalogues.experiments, next=hint)


def find_runbook(catalogue: Catalogue, alert: str) -> Runbook:
    """Return the English runbook of an alert (the Korean one has the same steps, which a check compares)."""
    for runbook in catalogue.runbooks:
        if runbook.alert == alert and runbook.language == "en":
            return runbook
    raise UsageError(f"no runbook for {alert}", where=catalogue.manifest.catalogues.runbooks, next="write one")


def digests_of(root: Path, catalogue: Catalogue, experiment: Experiment) -> dict[str, dict[str, str]]:
    """Return, for each alert the experiment expects, the digests of everything its proof depends on."""
    compiled = compile_all(catalogue)
    routing = "".join(text for path, text in sorted(compiled.items()) if path.startswith(f"{ALERTMANAGER}/"))
    lock = root / LOCK
    shared = {
        "route": evidence.digest(routing),
        "experiment": evidence.digest(catalogue.sources[experiment.span.file]),
        "runbook": _runbook_digest(catalogue, experiment.runbook),
        "lock": evidence.digest(lock.read_text(encoding="utf-8") if lock.is_file() else ""),
        "runner": evidence.closure_digest(Path(bongsu.__file__).parent, RUNNER),
    }
    alerts = sorted({expected.alert for expected in experiment.expects})
    return {alert: {"expression": evidence.digest(_rules(catalogue, compiled, alert)), **shared} for alert in alerts}


def proof_times(root: Path, catalogue: Catalogue, folder: Path) -> Callable[[], Mapping[str, float]]:
    """Return a function that gives, for every alert, when valid evidence last proved it (Unix seconds; 0 for never)."""
    digests = {one.name: digests_of(root, catalogue, one) for one in catalogue.experiments}
    never = dict.fromkeys(catalogue.alert_spans(), 0.0)

    def times() -> Mapping[str, float]:
        return never | evidence.proved(folder, digests)

    return times


def _runbook_digest(catalogue: Catalogue, alert: str) -> str:
    files = sorted(runbook.file for runbook in catalogue.runbooks if runbook.alert == alert)
    return evidence.digest("".join(catalogue.sources[file] for file in files))


def _rules(catalogue: Catalogue, compiled: Mapping[str, str], alert: str) -> str:
    names = [slo_file(slo) for slo in catalogue.slos.slos if slo.alert == alert]
    names += [alert_file(one) for one in catalogue.alerts.alerts if one.name == alert]
    return "".join(compiled[f"{PROMETHEUS}/{name}"] for name in sorted(names))
