"""What proofs are made of and how long they hold: experiments, runbooks, and the digests that evidence expires by."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import bongsu
from bongsu.alerts.compile import file_name as alert_file
from bongsu.chaos import evidence
from bongsu.chaos.drill_record import passed_drills
from bongsu.cli.catalogue import ALERTMANAGER, PROMETHEUS, compile_all
from bongsu.core.errors import UsageError
from bongsu.slo import absence
from bongsu.slo.compile import file_name as slo_file
from bongsu.stack.exporter import Proved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bongsu.chaos.model import Drill, Experiment
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
DRILL_RUNNER = (
    "bongsu.chaos.drill",
    "bongsu.recovery.backup",
    "bongsu.recovery.ship",
    "bongsu.recovery.restore",
    "bongsu.recovery.verify",
    "bongsu.recovery.adapters.chroma",
    "bongsu.recovery.adapters.engine",
    "bongsu.recovery.adapters.index",
    "bongsu.recovery.adapters.postgres",
    "bongsu.recovery.adapters.repository",
    "bongsu.stack.postgres",
)
N = TypeVar("N", "Experiment", "Drill")


def find_experiment(catalogue: Catalogue, name: str) -> Experiment:
    """Return an experiment by name; raise UsageError that names the nearest one."""
    return find_named(catalogue.experiments, name, "experiment", catalogue.manifest.catalogues.experiments)


def find_named(declared: Iterable[N], name: str, kind: str, folder: str) -> N:
    """Return what is declared under a name; raise UsageError that names the nearest one."""
    by_name = {one.name: one for one in declared}
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name, sorted(by_name), 1)
    hint = f"did you mean {near[0]}?" if near else f"{kind}s: {', '.join(sorted(by_name)) or 'none'}"
    raise UsageError(f"no {kind} {name!r}", where=folder, next=hint)


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


def digests_of_drill(root: Path, catalogue: Catalogue, drill: Drill) -> dict[str, str]:
    """Return the digests of everything a drill's result depends on: itself, the locked packages, what runs it."""
    lock = root / LOCK
    return {
        "drill": evidence.digest(catalogue.sources[drill.span.file]),
        "lock": evidence.digest(lock.read_text(encoding="utf-8") if lock.is_file() else ""),
        "runner": evidence.closure_digest(Path(bongsu.__file__).parent, DRILL_RUNNER),
    }


def proved_by(root: Path, catalogue: Catalogue, folder: Path) -> Callable[[], Proved]:
    """Return a function that reads from the evidence when every alert was proved and every drill passed."""
    digests = {one.name: digests_of(root, catalogue, one) for one in catalogue.experiments}
    drill_digests = {one.name: digests_of_drill(root, catalogue, one) for one in catalogue.drills}
    never = dict.fromkeys(catalogue.alert_spans(), 0.0)

    def proved() -> Proved:
        passed = passed_drills(folder, drill_digests)
        return Proved(
            alerts=never | evidence.proved(folder, digests),
            drills=dict.fromkeys(drill_digests, 0.0) | {name: at for name, (at, _, _) in passed.items()},
            rpo={name: rpo for name, (_, rpo, _) in passed.items()},
            rto={name: rto for name, (_, _, rto) in passed.items()},
        )

    return proved


def _runbook_digest(catalogue: Catalogue, alert: str) -> str:
    files = sorted(runbook.file for runbook in catalogue.runbooks if runbook.alert == alert)
    return evidence.digest("".join(catalogue.sources[file] for file in files))


def _rules(catalogue: Catalogue, compiled: Mapping[str, str], alert: str) -> str:
    names = [slo_file(slo) for slo in catalogue.slos.slos if slo.alert == alert]
    names += [slo_file(slo) for slo in absence.alarmed(catalogue.slos) if alert == absence.NAME]
    names += [alert_file(one) for one in catalogue.alerts.alerts if one.name == alert]
    return "".join(compiled[f"{PROMETHEUS}/{name}"] for name in sorted(names))
