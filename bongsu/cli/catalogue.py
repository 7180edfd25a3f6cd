"""Load every catalogue from disk and compile all of them: the one place where loaders and compilers meet."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from bongsu.alerts.alertmanager import CONFIG, TEMPLATE, compile_alertmanager, compile_template
from bongsu.alerts.compile import compile_alerts
from bongsu.alerts.load import load as load_alerts
from bongsu.alerts.secret import NAME as SECRET
from bongsu.alerts.secret import compile_secret
from bongsu.alerts.watchdog import FILE as WATCHDOG
from bongsu.alerts.watchdog import compile_watchdog
from bongsu.chaos.load import parse_drill, parse_experiment
from bongsu.checks.model import Catalogue
from bongsu.checks.registry import check_all, judge
from bongsu.core.diagnostics import Problem, Severity, Span, has_errors
from bongsu.core.errors import SpecError, UsageError
from bongsu.core.kubernetes import object_name, prometheus_rule
from bongsu.core.manifest import FILE, Catalogues, Manifest, parse_manifest
from bongsu.dashboards.compile import compile_boards
from bongsu.dashboards.load import load as load_dashboards
from bongsu.dashboards.resolve import resolve
from bongsu.runbooks.load import load as load_runbooks
from bongsu.slo.admission import compile_admission
from bongsu.slo.compile import compile_slos
from bongsu.slo.load import load as load_slos

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import TextIO

    from bongsu.alerts.model import Endpoints
    from bongsu.chaos.model import Drill, Experiment

__all__ = ["RENDERED", "Catalogue", "check_all", "compile_all", "judge", "load_catalogue", "require_sound", "today"]

RENDERED = "deploy/rendered"
PROMETHEUS, ALERTMANAGER, GRAFANA, KUBERNETES = "prometheus", "alertmanager", "grafana", "kubernetes"
ADMISSION = "admission"
_YAML = (".yaml", ".yml")


def load_catalogue(root: Path) -> Catalogue:
    """Return everything declared under `root`, with every problem of form; raise UsageError without a manifest."""
    if not (root / FILE).is_file():
        raise UsageError(f"no {FILE} here", where=str(root), next="run from the repository or pass --root")
    problems: list[Problem] = []
    manifest_text = _read(root, root / FILE, problems)
    found, manifest_problems = parse_manifest(manifest_text, FILE)
    manifest = found or _unreadable()
    folders = manifest.catalogues
    slo = _texts(root, folders.slo, problems, required=True)
    alert = _texts(root, folders.alerts, problems, required=True)
    dashboard = _texts(root, folders.dashboards, problems)
    runbook = _texts(root, folders.runbooks, problems, suffixes=(".md",))
    experiment = _texts(root, folders.experiments, problems)
    drill = _texts(root, folders.drills, problems)
    slos, slo_problems = load_slos(slo)
    alerts, alert_problems = load_alerts(alert)
    dashboards, dashboard_problems = load_dashboards(dashboard)
    runbooks, runbook_problems = load_runbooks(runbook)
    experiments = tuple(_experiments(experiment, manifest, problems))
    return Catalogue(
        manifest=manifest,
        slos=slos,
        alerts=alerts,
        dashboards=dashboards,
        runbooks=runbooks,
        experiments=experiments,
        drills=tuple(_drills(drill, manifest, problems)),
        sources={FILE: manifest_text} | slo | alert | dashboard | runbook | experiment | drill,
        problems=(
            *problems,
            *manifest_problems,
            *slo_problems,
            *alert_problems,
            *dashboard_problems,
            *runbook_problems,
        ),
    )


def today() -> date:
    """Return the day here: snoozes end on it."""
    return datetime.now().astimezone().date()


def require_sound(catalogue: Catalogue, err: TextIO) -> Catalogue:
    """Return the catalogue when it has no error; raise SpecError with all problems otherwise; count warnings."""
    problems = judge(catalogue, today()).problems
    if has_errors(problems):
        raise SpecError(problems)
    if problems:
        print(f"{len(problems)} warning(s) in the specifications: `bongsu compile` lists them", file=err)
    return catalogue


def compile_all(catalogue: Catalogue, endpoints: Endpoints | None = None, factor: float = 1.0) -> dict[str, str]:
    """Return `{path: text}` of everything compiled, paths relative to the output folder.

    `endpoints` says where notifications go (default: those of alerts/routes.yaml). `factor` divides every duration of
    rules and routes. The catalogue must be sound.
    """
    routes = catalogue.alerts.routes
    if routes is None:
        raise SpecError(catalogue.problems)
    alerts = catalogue.alerts.alerts
    rules = compile_slos(catalogue.slos, routes.links, factor) | compile_alerts(alerts, routes.links, factor)
    boards = compile_boards(resolve(dashboard, catalogue.slos, alerts) for dashboard in catalogue.dashboards)
    to = endpoints or routes.endpoints
    if to.heartbeat_url:
        rules |= {WATCHDOG: compile_watchdog(routes.file)}
    routing = {
        CONFIG: compile_alertmanager(routes, to, factor),
        TEMPLATE: compile_template(routes.file),
    }
    rooms = {
        PROMETHEUS: rules,
        ALERTMANAGER: routing,
        GRAFANA: boards,
        ADMISSION: compile_admission(slo for slo, _ in catalogue.slos.watched()),
        KUBERNETES: _objects(catalogue, rules, routing, factor),
    }
    return {f"{room}/{name}": text for room, files in rooms.items() for name, text in sorted(files.items())}


def _objects(catalogue: Catalogue, rules: dict[str, str], routing: dict[str, str], factor: float) -> dict[str, str]:
    """Return rules and routing as Kubernetes objects, where the manifest asks for them; proofs run no cluster."""
    settings = catalogue.manifest.kubernetes
    if settings is None or factor != 1.0:
        return {}
    objects = {f"{object_name(file)}.yaml": prometheus_rule(file, text, settings) for file, text in rules.items()}
    secret = compile_secret(routing[CONFIG], routing[TEMPLATE], settings.namespace, settings.labels)
    return objects | {f"{SECRET}.yaml": secret}


def _texts(
    root: Path, folder: str, problems: list[Problem], *, suffixes: Iterable[str] = _YAML, required: bool = False
) -> dict[str, str]:
    """Return the files of a catalogue folder by their path from the root; READMEs are for people."""
    if not (root / folder).is_dir():
        if required:
            what = f"the catalogue folder {folder} does not exist"
            problems.append(
                Problem("spec/no-folder", Severity.ERROR, Span(FILE), what, "", "create it or correct its name")
            )
        return {}
    wanted = tuple(suffixes)
    paths = sorted(
        path
        for path in (root / folder).iterdir()
        if path.is_file() and path.suffix in wanted and not path.name.startswith("README")
    )
    return {path.relative_to(root).as_posix(): _read(root, path, problems) for path in paths}


def _read(root: Path, path: Path, problems: list[Problem]) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        span = Span(path.relative_to(root).as_posix())
        what = f"not UTF-8: byte {error.start} cannot be read"
        problems.append(Problem("yaml/encoding", Severity.ERROR, span, what, "", "save the file as UTF-8"))
        return ""


def _experiments(texts: dict[str, str], manifest: Manifest, problems: list[Problem]) -> Iterable[Experiment]:
    upstreams = [upstream.name for upstream in manifest.upstreams]
    for file, text in texts.items():
        experiment, found = parse_experiment(text, file, upstreams)
        problems += found
        if experiment is not None:
            yield experiment


def _drills(texts: dict[str, str], manifest: Manifest, problems: list[Problem]) -> Iterable[Drill]:
    repositories = [one.name for one in manifest.backups.repositories] if manifest.backups else []
    for file, text in texts.items():
        drill, found = parse_drill(text, file, repositories)
        problems += found
        if drill is not None:
            yield drill


def _unreadable() -> Manifest:
    """Return a manifest of defaults, so that the catalogues of a broken one are still looked at."""
    return Manifest("", Catalogues(), (), (), (), (), (), {}, (), (), 0.0, {})
