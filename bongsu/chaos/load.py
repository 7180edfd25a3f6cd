"""Read experiments and drills from YAML; every problem of a file at once, with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.chaos.model import Bar, DirectRequest, Drill, Expected, Experiment, Fault
from bongsu.core.conventions import SEVERITIES
from bongsu.core.diagnostics import Problem, Severity, Span, has_errors
from bongsu.core.durations import parse_duration
from bongsu.core.yaml import Reader, load_documents

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

FAULT_KINDS: Mapping[str, tuple[str, ...]] = {
    "http-error": ("status", "body"),
    "latency": ("seconds",),
    "reset": (),
}
"""Each kind of fault and its parameters; the proxy's table has the same kinds (tests/unit/chaos/test_load.py)."""
_WHOLE = 1.0


def parse_experiment(text: str, file: str, upstreams: Collection[str]) -> tuple[Experiment | None, list[Problem]]:
    """Return the experiment of one YAML text (None when it has an error) and every problem found."""
    nodes, problems = load_documents(text, file)
    if len(nodes) != 1:
        if not problems:
            what = f"an experiment file holds one document, this one holds {len(nodes)}"
            problems.append(Problem("spec/documents", Severity.ERROR, Span(file), what, fix="one file per experiment"))
        return None, problems
    root = Reader(nodes[0], problems)
    root.choice("apiVersion", ["bongsu/v1"])
    root.choice("kind", ["Experiment"])
    time, traffic = root.mapping("time"), root.mapping("traffic")
    experiment = Experiment(
        name=root.text("name"),
        title=root.strings("title", required=True),
        hypothesis=root.text("hypothesis"),
        factor=time.number("factor", _WHOLE),
        scrape=time.parsed("scrape", parse_duration, 1.0),
        rate=traffic.number("rate"),
        fault=_fault(root.mapping("fault"), upstreams),
        direct=_direct(root.mapping("direct")),
        expects=tuple(_expected(Reader(node, problems, "expects")) for node in root.sequence("expects")),
        runbook=root.text("runbook"),
        span=nodes[0].span,
    )
    _refuse_nonsense(experiment, root, time, traffic)
    for reader in (root, time, traffic):
        reader.done()
    return (None if has_errors(problems) else experiment), problems


def parse_drill(text: str, file: str, repositories: Collection[str]) -> tuple[Drill | None, list[Problem]]:
    """Return the drill of one YAML text (None when it has an error) and every problem found."""
    nodes, problems = load_documents(text, file)
    if len(nodes) != 1:
        if not problems:
            what = f"a drill file holds one document, this one holds {len(nodes)}"
            problems.append(Problem("spec/documents", Severity.ERROR, Span(file), what, fix="one file per drill"))
        return None, problems
    if not repositories:
        what = "this drill needs repositories, and the manifest has none"
        fix = "add `backups:` with two repositories to bongsu.yaml, or delete the drill"
        return None, [*problems, Problem("drill/no-repositories", Severity.ERROR, nodes[0].span, what, fix=fix)]
    root = Reader(nodes[0], problems)
    root.choice("apiVersion", ["bongsu/v1"])
    root.choice("kind", ["Drill"])
    disaster, after, markers = root.mapping("disaster"), root.mapping("after"), root.mapping("markers")
    bar, promise = root.mapping("bar"), root.mapping("promise")
    drill = Drill(
        name=root.text("name"),
        title=root.strings("title", required=True),
        hypothesis=root.text("hypothesis"),
        lost=disaster.choice("repository_lost", repositories),
        source=disaster.choice("repository_left", repositories),
        earliest=after.parsed("earliest", parse_duration, None) or 0.0,
        latest=after.parsed("latest", parse_duration, None) or 0.0,
        markers_per_second=markers.number("rate"),
        bar=Bar(
            rpo=bar.parsed("rpo", parse_duration, None) or 0.0,
            rto=bar.parsed("rto", parse_duration, None) or 0.0,
            log_age=bar.parsed("log_age", parse_duration, None) or 0.0,
            promised_rpo=promise.parsed("rpo", parse_duration, None) or 0.0,
            promised_rto=promise.parsed("rto", parse_duration, None) or 0.0,
        ),
        span=nodes[0].span,
    )
    _refuse_strange_names(drill.name, drill.title, root)
    if drill.lost == drill.source and disaster.has("repository_left"):
        disaster.fail(
            "spec/value",
            disaster.span("repository_left"),
            "the repository that is lost cannot be left",
            "name the other",
        )
    if drill.latest < drill.earliest:
        after.fail("spec/value", after.span("latest"), "latest is before earliest", "swap them")
    if drill.markers_per_second <= 0 and markers.has("rate"):
        markers.fail("spec/value", markers.span("rate"), "rate must be above 0", "without markers nothing is measured")
    for reader in (root, disaster, after, markers, bar, promise):
        reader.done()
    return (None if has_errors(problems) else drill), problems


def _refuse_strange_names(name: str, title: Mapping[str, str], root: Reader) -> None:
    stem = root.node.span.file.rsplit("/", 1)[-1].removesuffix(".yaml")
    if name and name != stem:
        what = f"the name {name!r} is not the file's name {stem!r}"
        root.fail("experiment/name", root.span("name"), what, "rename one of the two", "evidence is found by this name")
    for language in {"en", "ko"} - set(title):
        root.fail("spec/missing-key", root.span("title"), f"title.{language} is missing", f"add `{language}:`")


def _refuse_nonsense(experiment: Experiment, root: Reader, time: Reader, traffic: Reader) -> None:
    _refuse_strange_names(experiment.name, experiment.title, root)
    if experiment.factor < _WHOLE:
        time.fail("spec/value", time.span("factor"), "a time factor below 1 would slow time down", "use 1 or more")
    if experiment.rate <= 0:
        traffic.fail("spec/value", traffic.node.span, "rate must be above 0", "ask for real traffic")
    if not experiment.expects and root.has("expects"):
        root.fail(
            "spec/value", root.span("expects"), "an experiment must expect at least one alert", "name what must fire"
        )


def _fault(reader: Reader, upstreams: Collection[str]) -> Fault:
    kind = reader.choice("kind", FAULT_KINDS)
    parameters: dict[str, str | int | float] = {}
    for name in FAULT_KINDS.get(kind, ()):
        node = reader.get(name)
        if node is not None and isinstance(node.value, str | int | float):
            parameters[name] = node.value
    fault = Fault(
        upstream=reader.choice("upstream", sorted(upstreams)),
        kind=kind,
        parameters=parameters,
        path=reader.text("path", "/"),
        lease=reader.parsed("lease", parse_duration, 10.0),
    )
    reader.done()
    return fault


def _direct(reader: Reader) -> DirectRequest:
    request = DirectRequest(reader.choice("method", ["GET", "POST"]), reader.text("path"), reader.text("body", ""))
    reader.done()
    return request


def _expected(reader: Reader) -> Expected:
    expected = Expected(reader.text("alert"), reader.choice("severity", SEVERITIES), reader.strings("labels"))
    reader.done()
    return expected
