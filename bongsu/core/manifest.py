"""The manifest `bongsu.yaml`: how the framework knows a system it may not import."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bongsu.core.backups import Backups, Markers, read_backups, read_markers
from bongsu.core.diagnostics import Problem, Severity, Span, has_errors
from bongsu.core.durations import parse_duration
from bongsu.core.errors import SpecError, UsageError
from bongsu.core.foreign import Foreign, read_foreign, read_labels, read_required_labels
from bongsu.core.kubernetes import Kubernetes, read_kubernetes
from bongsu.core.yaml import Node, Reader, load_documents

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "bongsu.yaml"
STORE_KINDS = ("postgresql", "chroma")
STAND_INS = ("provider", "search")
RISKS = ("none", "low", "medium", "high")
SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT")
_MAX_REPLICAS = 64


@dataclass(frozen=True, slots=True)
class Catalogues:
    """Folders of what people edit, relative to the manifest."""

    slo: str = "slo"
    alerts: str = "alerts"
    runbooks: str = "runbooks"
    dashboards: str = "dashboards"
    experiments: str = "chaos/experiments"
    drills: str = "chaos/drills"


@dataclass(frozen=True, slots=True)
class Store:
    """A durable store or derived index; `env` holds its URL, empty means the stack starts its own.

    A derived index names the commands that roll it forward from its source of truth, print how far that has come
    (`{"position": n, "latest": n}`), compare all of its content with the source, and repair what differs.
    """

    name: str
    kind: str
    env: str
    roll_forward: tuple[str, ...] = ()
    position: tuple[str, ...] = ()
    audit: tuple[str, ...] = ()
    heal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Upstream:
    """Something the system calls over HTTP; `path` is appended to the stand-in's or proxy's address."""

    name: str
    env: str
    path: str = ""
    stand_in: str = ""
    corpus: str = ""


@dataclass(frozen=True, slots=True)
class Secret:
    """A random secret generated once per home; not needed when the variable `unless` is set."""

    name: str
    env: str
    unless: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the system; replica i listens on port + i."""

    name: str
    command: tuple[str, ...]
    port: int
    ready: str
    replicas: int = 1
    metrics: str = ""
    url_env: str = ""
    drain: str = "SIGTERM"


@dataclass(frozen=True, slots=True)
class Argument:
    """A typed argument of an action: a choice of values, a whole number, or text that matches a pattern."""

    type: str
    values: tuple[str, ...] = ()
    pattern: str = ""

    def complaint(self, value: str) -> str | None:
        """Return why `value` is not acceptable, or None when it is."""
        match self.type:
            case "choice" if value not in self.values:
                return f"{value!r} is not one of {', '.join(self.values)}"
            case "integer" if not re.fullmatch(r"-?[0-9]{1,15}", value):
                return f"{value!r} is not a whole number"
            case "text" if not re.fullmatch(self.pattern, value):
                return f"{value!r} does not match {self.pattern}"
        return None


@dataclass(frozen=True, slots=True)
class Action:
    """What a runbook step may call: an argv template whose {placeholders} are the typed arguments."""

    name: str
    command: tuple[str, ...]
    description: str = ""
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    risk: str = "low"

    def argv(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the command with the arguments filled in; raise UsageError for a wrong, missing or extra one."""
        for name in sorted(set(values) ^ set(self.arguments)):
            what = "is missing" if name in self.arguments else "is not an argument of this action"
            raise UsageError(
                f"action {self.name}: {name} {what}", next=f"arguments: {', '.join(self.arguments) or 'none'}"
            )
        for name, value in values.items():
            if complaint := self.arguments[name].complaint(value):
                raise UsageError(f"action {self.name}: argument {name}: {complaint}")
        return tuple(fill(part, values) for part in self.command)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The system under care, as plain values."""

    service: str
    catalogues: Catalogues
    stores: tuple[Store, ...]
    upstreams: tuple[Upstream, ...]
    secrets: tuple[Secret, ...]
    setup: tuple[tuple[str, ...], ...]
    processes: tuple[Process, ...]
    actions: Mapping[str, Action]
    traffic: tuple[str, ...]
    probe: tuple[str, ...]
    probe_deadline: float
    compressible: Mapping[str, float]
    sample: tuple[str, ...] = ()
    probe_all: tuple[str, ...] = ()
    bulk: tuple[str, ...] = ()
    markers: Markers | None = None
    backups: Backups | None = None
    kubernetes: Kubernetes | None = None
    metrics: tuple[Foreign, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values this system gives to labels of our metrics, instead of the research assistant's; () means any."""
    required_labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that every alert has to carry, each with the pattern of its value."""


def fill(part: str, values: Mapping[str, str]) -> str:
    """Return one argv part with its {placeholders} replaced; unknown placeholders stay as they are."""
    return re.sub(r"\{([a-z_:0-9-]+)\}", lambda found: values.get(found.group(1), found.group(0)), part)


def load_manifest(path: Path) -> Manifest:
    """Return the manifest at `path`; raise UsageError when it is absent and SpecError with all its problems."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"no {FILE} here", where=str(path), next="run from the repository or pass --root") from None
    manifest, problems = parse_manifest(text, path.name)
    if manifest is None or has_errors(problems):
        raise SpecError(problems)
    return manifest


def parse_manifest(text: str, file: str = FILE) -> tuple[Manifest | None, list[Problem]]:
    """Return the manifest of a YAML text and every problem found in it."""
    nodes, problems = load_documents(text, file)
    if len(nodes) != 1:
        if not problems:
            problems.append(
                Problem(
                    "spec/documents", Severity.ERROR, Span(file), "the manifest must be one document", fix="keep one"
                )
            )
        return None, problems
    root = Reader(nodes[0], problems)
    root.choice("apiVersion", ["bongsu/v1"])
    folders = root.mapping("catalogues", required=False)
    defaults = Catalogues()
    catalogues = Catalogues(
        *(folders.text(name, getattr(defaults, name)) for name in Catalogues.__dataclass_fields__)  # one per folder
    )
    folders.done()
    probe = root.mapping("probe")
    traffic = root.mapping("traffic")
    sample = root.mapping("sample", required=False)
    bulk = root.mapping("bulk", required=False)
    manifest = Manifest(
        service=root.text("service"),
        catalogues=catalogues,
        stores=tuple(_store(Reader(n, problems, "stores")) for n in root.sequence("stores", required=False)),
        upstreams=tuple(
            _upstream(Reader(n, problems, "upstreams")) for n in root.sequence("upstreams", required=False)
        ),
        secrets=tuple(_secret(Reader(n, problems, "secrets")) for n in root.sequence("secrets", required=False)),
        setup=tuple(_argv(root, n) for n in root.sequence("setup", required=False)),
        processes=tuple(_process(Reader(n, problems, "processes")) for n in root.sequence("processes")),
        actions={
            a.name: a
            for a in (_action(Reader(n, problems, "actions")) for n in root.sequence("actions", required=False))
        },
        traffic=traffic.texts("command"),
        probe=probe.texts("command"),
        probe_deadline=probe.parsed("deadline", parse_duration, 60.0),
        compressible={
            name: _seconds(root, node) for name, node in root.mapping("compressible", required=False).items()
        },
        sample=sample.texts("command", required=root.has("sample")),
        probe_all=probe.texts("all", required=False),
        bulk=bulk.texts("command", required=root.has("bulk")),
        markers=read_markers(root.mapping("markers")) if root.has("markers") else None,
        backups=read_backups(root.mapping("backups")) if root.has("backups") else None,
        kubernetes=read_kubernetes(root.mapping("kubernetes")) if root.has("kubernetes") else None,
        metrics=read_foreign(root),
        labels=read_labels(root),
        required_labels=read_required_labels(root),
    )
    for reader in (root, probe, traffic, sample, bulk):
        reader.done()
    _refuse_clashes(manifest, root)
    return manifest, problems


def _refuse_clashes(manifest: Manifest, root: Reader) -> None:
    names = (
        [p.name for p in manifest.processes] + [s.name for s in manifest.stores] + [u.name for u in manifest.upstreams]
    )
    for name in sorted({n for n in names if names.count(n) > 1}):
        root.fail("manifest/duplicate", root.node.span, f"the name {name!r} stands for two things", "rename one")
    taken: dict[int, str] = {}
    for process in manifest.processes:
        for port in range(process.port, process.port + process.replicas):
            if port in taken:
                what = f"port {port} is claimed by {taken[port]} and {process.name}"
                root.fail("manifest/port", root.span("processes"), what, "give each process its own range")
            taken[port] = process.name


def _store(reader: Reader) -> Store:
    store = Store(
        reader.text("name"),
        reader.choice("kind", STORE_KINDS),
        reader.text("env"),
        *(reader.texts(name, required=False) for name in ("roll_forward", "position", "audit", "heal")),
    )
    reader.done()
    return store


def _upstream(reader: Reader) -> Upstream:
    upstream = Upstream(
        reader.text("name"),
        reader.text("env"),
        reader.text("path", ""),
        reader.choice("stand_in", ["", *STAND_INS], ""),
        reader.text("corpus", ""),
    )
    reader.done()
    return upstream


def _secret(reader: Reader) -> Secret:
    secret = Secret(reader.text("name"), reader.text("env"), reader.text("unless", ""))
    reader.done()
    return secret


def _process(reader: Reader) -> Process:
    process = Process(
        name=reader.text("name"),
        command=reader.texts("command"),
        port=reader.integer("port"),
        ready=reader.text("ready"),
        replicas=reader.integer("replicas", 1),
        metrics=reader.text("metrics", ""),
        url_env=reader.text("url_env", ""),
        drain=reader.choice("drain", SIGNALS, "SIGTERM"),
    )
    if not 1 <= process.replicas <= _MAX_REPLICAS:
        reader.fail("spec/value", reader.span("replicas"), "replicas must be 1 to 64", "choose a number in that range")
    reader.done()
    return process


def _action(reader: Reader) -> Action:
    arguments = {}
    for name, node in reader.mapping("arguments", required=False).items():
        inner = Reader(node, reader.problems, f"arguments.{name}")
        kind = inner.choice("type", ["choice", "integer", "text"])
        arguments[name] = Argument(
            kind,
            inner.texts("values", required=kind == "choice"),
            inner.text("pattern", "" if kind != "text" else None),
        )
        inner.done()
    action = Action(
        reader.text("name"),
        reader.texts("command"),
        reader.text("description", ""),
        arguments,
        reader.choice("risk", RISKS, "low"),
    )
    reader.done()
    used = {found for part in action.command for found in re.findall(r"\{([a-z_]+)\}", part)}
    for name in sorted(used ^ set(arguments)):
        what = f"action {action.name}: {{{name}}} is " + ("never used" if name in arguments else "not declared")
        reader.fail(
            "manifest/argument", reader.node.span, what, "declare each placeholder under arguments, use each argument"
        )
    return action


def _argv(root: Reader, node: Node) -> tuple[str, ...]:
    if isinstance(node.value, list) and node.value and all(isinstance(item.value, str) for item in node.value):
        return tuple(str(item.value) for item in node.value)
    root.fail("spec/type", node.span, "a command must be a list of texts", "write [program, argument, ...]")
    return ()


def _seconds(root: Reader, node: Node) -> float:
    if isinstance(node.value, int | float) and not isinstance(node.value, bool) and node.value > 0:
        return float(node.value)
    root.fail("spec/type", node.span, "a compressible variable must be a positive number of seconds", "write seconds")
    return 1.0
