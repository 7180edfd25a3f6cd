"""Read OpenSLO v1 documents, Sloth's (bongsu/slo/sloth) and our Maintenance into the model.

Source: https://github.com/OpenSLO/OpenSLO (v1), Prometheus only; what it allows and we do not compile is refused with
the reason (docs/adr/0021-*.md). What OpenSLO cannot say stands in annotations:

- `bongsu/alert`, `bongsu/title-ko`: the name of the alert, the title in Korean.
- `bongsu/min-bad-events`: how many bad events a tier waits for.
- `bongsu/indicator: spend`: the threshold is a sum for the whole window, and the query its rate.
- `bongsu/exclude`: PromQL that returns something while nothing counts; `bongsu/maintenance`: the same on the calendar.
- `bongsu/shed-batch`, `-interactive`, `-rate`: when new work is refused (bongsu/slo/load_shed.py).
- `bongsu/job`: the scrape job whose `up` tells whether the target is there; empty: none is scraped (it is pushed).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity, Span
from bongsu.core.durations import parse_duration
from bongsu.core.yaml import Node, Reader, load_documents
from bongsu.slo.absence import is_job
from bongsu.slo.documents import Library, declare, described, either, header, labelled, named
from bongsu.slo.exclude import read_maintenance
from bongsu.slo.indicators import counts_events
from bongsu.slo.labels import rule_labels
from bongsu.slo.load_alerting import read_condition, read_policy, read_target
from bongsu.slo.load_indicator import METHODS, Measure, read_measure, read_objective, read_source
from bongsu.slo.load_shed import KEYS as SHED_KEYS
from bongsu.slo.load_shed import read_shed
from bongsu.slo.load_window import read_window
from bongsu.slo.model import Exclusion, Policy, Service, Slo, Slos, Spend, Windows, queries
from bongsu.slo.sloth.model import KUBERNETES, OPENSLO
from bongsu.slo.sloth.native import services_of, to_slo
from bongsu.slo.sloth.read import KIND, is_sloth, read
from bongsu.slo.windows import WindowRules, alert_windows, fit, load_rules, own_tiers, period_problem, usable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bongsu.slo.sloth.model import Document

API = "openslo/v1"
_KINDS = {
    API: ["Service", "SLO", "SLI", "DataSource", "AlertPolicy", "AlertCondition", "AlertNotificationTarget"],
    KUBERNETES: ["AlertWindows", KIND],
    OPENSLO: ["SLO"],
    "bongsu/v1": ["Maintenance"],
}
_ALERT = re.compile(r"^[A-Z][A-Za-z0-9]{2,63}\Z")
_NAMED, _TITLE_KO, _EVENTS, _INDICATOR, _EXCLUDE, _MAINTENANCE, _JOB = _OURS = (
    "bongsu/alert",
    "bongsu/title-ko",
    "bongsu/min-bad-events",
    "bongsu/indicator",
    "bongsu/exclude",
    "bongsu/maintenance",
    "bongsu/job",
)
_ANNOTATIONS = (*_OURS, *SHED_KEYS)


def load(texts: Mapping[str, str]) -> tuple[Slos, list[Problem]]:
    """Return what `{file: text}` declares and every problem of its form; the order of files does not matter."""
    problems: list[Problem] = []
    found: dict[str, list[Reader]] = {}
    sloth: list[Document] = []
    for file in sorted(texts):
        for reader in _documents(texts[file], file, problems):
            if is_sloth(reader.node):
                sloth.append(read(reader.node, problems))
                continue
            api = reader.choice("apiVersion", list(_KINDS))
            kind = reader.choice("kind", _KINDS.get(api, []))
            found.setdefault(kind, []).append(reader)

    library = Library()
    # What is named is read before what names it.
    for reader in found.get("DataSource", ()):
        declare(reader, "DataSource", library, library.sources, read_source)
    for reader in found.get("SLI", ()):
        declare(reader, "SLI", library, library.measures, read_measure)
    for reader in found.get("AlertCondition", ()):
        declare(reader, "AlertCondition", library, library.conditions, read_condition)
    for reader in found.get("AlertNotificationTarget", ()):
        declare(reader, "AlertNotificationTarget", library, library.targets, read_target)
    for reader in found.get("AlertPolicy", ()):
        declare(reader, "AlertPolicy", library, library.policies, read_policy)
    for reader in found.get("Maintenance", ()):
        declare(reader, "Maintenance", library, library.maintenance, read_maintenance)
    services = [_service(reader) for reader in found.get("Service", ())]
    slos = [_slo(reader, library) for reader in found.get("SLO", ())]
    services += services_of(sloth, services)
    slos += [to_slo(slo, document.spec) for document in sloth for slo in document.slos]
    own = [alert_windows(reader) for reader in found.get("AlertWindows", ())]

    rules, theirs = load_rules(), {found.period: found for found in own if usable(found)}
    broken = {slo.id for slo in slos if not _complete(slo)}  # of two with one id, too
    windows = {slo.id: _windows(slo, theirs, rules) for slo in slos if slo.id not in broken}
    return (
        Slos(
            tuple(sorted(services, key=lambda service: (service.name, service.span))),
            tuple(sorted(slos, key=lambda slo: (slo.id, slo.span))),
            windows,
            tuple(library.documents),
            tuple(library.references),
        ),
        problems,
    )


def empty_file(file: str) -> Problem:
    """Return the problem of a catalogue file that declares nothing."""
    return Problem(
        "spec/empty", Severity.ERROR, Span(file), "the file declares nothing", "it looks armed and is not", "delete it"
    )


def _documents(text: str, file: str, problems: list[Problem]) -> Iterator[Reader]:
    """Yield a reader per document; a document may be a list of them."""
    nodes, found = load_documents(text, file)
    problems += found
    items = [item for node in nodes for item in (node.value if isinstance(node.value, list) else [node])]
    if not items and not found:
        problems.append(empty_file(file))
    for item in items:
        yield Reader(item, problems)


def _complete(slo: Slo) -> bool:
    """Tell whether an SLO can have windows: what was refused while reading has no period, objective or query."""
    readable = bool(slo.period) and not period_problem(slo.period) and queries(slo.indicator)[-1].text != ""
    return slo.sane and readable


def _windows(slo: Slo, theirs: Mapping[float, WindowRules], rules: WindowRules) -> Windows:
    if slo.policies:
        windows = own_tiers(rules, slo)
    else:
        windows = fit(theirs.get(parse_duration(slo.period), rules), slo.period, slo.objective, slo.events)
    if not slo.silent and slo.calendar == windows.calendar:
        return windows  # one object for all that share it: the stencils of the compiler know it by that
    tiers = tuple(tier for tier in windows.tiers if tier.severity not in slo.silent)
    return replace(windows, tiers=tiers, calendar=slo.calendar)


def _service(reader: Reader) -> Service:
    title, name = header(reader)
    spec = reader.mapping("spec")
    described(spec)
    spec.done()
    reader.done()
    return Service(name.name, title, name.span)


def _slo(reader: Reader, library: Library) -> Slo:
    meta = reader.mapping("metadata")
    name = named(meta)
    title = meta.text("displayName", name)
    notes = meta.mapping("annotations")
    alert = notes.text(_NAMED)
    if alert and not _ALERT.match(alert):
        notes.fail("spec/value", notes.span(_NAMED), f"{alert!r} is not a CamelCase alert name", "rename it")
    title_ko = notes.text(_TITLE_KO)
    spend = notes.choice(_INDICATOR, ["spend"], "") == "spend"
    exclusions = _exclusions(notes, library)
    events = _floor(notes)
    job = _job(notes)
    _foreign(notes)
    labels, not_taken = rule_labels(labelled(meta))
    meta.problems += not_taken
    meta.done()

    spec = reader.mapping("spec")
    described(spec)
    service = spec.text("service")
    method = spec.choice("budgetingMethod", METHODS)
    measure = _measure(spec, library)
    window = _only(spec, "timeWindow")
    period, calendar = read_window(window)
    objective, objective_span, indicator = read_objective(_only(spec, "objectives"), method, measure, spend=spend)
    policies = tuple(_policies(spec, library))
    shed = read_shed(notes, indicator)
    spec.done()
    reader.done()
    if not (counts_events(indicator) or isinstance(indicator, Spend)) and events:
        what = "this SLO counts time and not events: there is no number of them to wait for"
        notes.fail("spec/value", notes.span(_EVENTS), what, f"remove {_EVENTS}")
    return Slo(
        service,
        name,
        title,
        title_ko,
        alert,
        objective,
        period,
        indicator,
        meta.span("name"),
        objective_span,
        spec.span("service"),
        notes.span(_NAMED),
        events if counts_events(indicator) else events or 0,
        calendar=calendar,
        policies=policies,
        exclusions=exclusions,
        labels=labels,
        job=job,
        shed=shed,
    )


def _measure(spec: Reader, library: Library) -> Measure | None:
    """Return the indicator, written out or by name; None when there is none (reported here or as slo/reference)."""
    if spec.has("indicator") and spec.has("indicatorRef"):
        what = "`indicator` and `indicatorRef` exclude each other"
        spec.fail("spec/value", spec.span("indicatorRef"), what, "keep one of the two")
    if spec.has("indicatorRef"):
        spec.get("indicator", required=False)
        return library.find("SLI", library.measures, spec, "indicatorRef")
    indicator = spec.mapping("indicator")
    if not spec.has("indicator"):
        return None
    header(indicator, required=False)
    inner = indicator.mapping("spec")
    found = read_measure(inner, library, "") if indicator.has("spec") else None
    inner.done()
    indicator.done()
    return found


def _policies(spec: Reader, library: Library) -> Iterator[Policy]:
    seen: set[str] = set()
    for node in spec.sequence("alertPolicies", required=False):
        found = either(
            node,
            spec,
            library,
            path="spec.alertPolicies",
            key="alertPolicyRef",
            kind="AlertPolicy",
            known=library.policies,
            read=read_policy,
        )
        if found and found.tier and found.tier.name in seen:
            what = f"two policies have a condition {found.tier.name}"
            spec.fail("spec/value", node.span, what, "rename one: it is the `tier` of the alert")
        if found:
            seen |= {found.tier.name} if found.tier else set()
            yield found


def _exclusions(notes: Reader, library: Library) -> tuple[Exclusion, ...]:
    """Return when nothing counts: the author's own PromQL, and the windows of a Maintenance."""
    text = notes.text(_EXCLUDE, "").strip()
    found = [Exclusion(text, notes.span(_EXCLUDE))] if text else []
    if notes.has(_MAINTENANCE):
        found += library.find("Maintenance", library.maintenance, notes, _MAINTENANCE) or ()
    return tuple(found)


def _floor(notes: Reader) -> int | None:
    """Return how many bad events a tier waits for, when the author says so."""
    text = notes.text(_EVENTS, "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,6}", text):
        notes.fail("spec/value", notes.span(_EVENTS), f"{text!r} is not a number of events", 'write "5", or "0": none')
        return None
    return int(text)


def _job(notes: Reader) -> str | None:
    """Return the scrape job, when the author says it; empty when there is none."""
    if not notes.has(_JOB):
        return None
    job = notes.text(_JOB, "")  # empty says something here: nothing is scraped
    if job and not is_job(job):
        what = f"{job!r} is not the name of one scrape job"
        notes.fail("spec/value", notes.span(_JOB), what, 'write its job_name, or "": nothing is scraped')
        return None
    return job


def _foreign(notes: Reader) -> None:
    """Accept other tools' annotations; under `bongsu/` an unknown key is a misspelling."""
    for key, node in notes.items():
        if key.startswith("bongsu/") and key not in _ANNOTATIONS:
            known = f"known: {', '.join(_ANNOTATIONS)}"
            notes.fail("spec/unknown-key", notes.node.key_span(key), f"unknown annotation {key}", known)
        elif not isinstance(node.value, str):
            notes.fail("spec/type", node.span, f"annotation {key} must be text", "quote the value")


def _only(spec: Reader, key: str) -> Reader:
    """Return the one element of a list that OpenSLO allows to be longer and our rules do not."""
    items = spec.sequence(key)
    if len(items) != 1 and spec.has(key):
        spec.fail(
            "spec/value", spec.span(key), f"spec.{key} must have exactly one element", "write one SLO per promise"
        )
    node = items[0] if items else Node({}, spec.span(key))
    # A missing list is already a problem; the reader of its absent element must not add more.
    return Reader(node, spec.problems if items else [], f"spec.{key}")
