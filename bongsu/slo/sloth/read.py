"""Read Sloth's documents: `prometheus/v1`, its Kubernetes object PrometheusServiceLevel, OpenSLO v1alpha.

The first two say the same in two spellings; `_KEYS` holds what differs. All problems of a document are found at once.
Source: https://sloth.dev/specs/default/, https://sloth.dev/specs/kubernetes/, https://sloth.dev/specs/openslo/.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.core.yaml import Node, Reader
from bongsu.slo.sloth import fields
from bongsu.slo.sloth.model import KUBERNETES, OPENSLO, PROMETHEUS, Alert, Document, Metadata, Sli, SlothSlo
from bongsu.slo.sloth.v1alpha import read_v1alpha

if TYPE_CHECKING:
    from bongsu.core.diagnostics import Problem, Span

KIND = "PrometheusServiceLevel"
_OBJECTS = ((KUBERNETES, KIND), (OPENSLO, "SLO"))
_SERVER_SIDE = (
    "creationTimestamp",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
)
"""What a cluster adds to an object's metadata: harmless, and nothing is made of it."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """How a spelling writes the keys that differ."""

    error: str
    total: str
    ratio: str
    page: str
    ticket: str
    plugins: str


_KEYS = {
    PROMETHEUS: _Keys("error_query", "total_query", "error_ratio_query", "page_alert", "ticket_alert", "slo_plugins"),
    KUBERNETES: _Keys("errorQuery", "totalQuery", "errorRatioQuery", "pageAlert", "ticketAlert", "sloPlugins"),
}


def is_sloth(node: Node) -> bool:
    """Tell whether a document is one of Sloth's: by its apiVersion and kind, or, of the file format, by its keys."""
    if not isinstance(node.value, dict):
        return False
    if "apiVersion" not in node.value:
        return not node.value.keys().isdisjoint(("version", "slos"))
    said = tuple(node.value[key].value if key in node.value else None for key in ("apiVersion", "kind"))
    return said in _OBJECTS


def read(node: Node, problems: list[Problem]) -> Document:
    """Return what a document declares; `is_sloth` must hold. What is wrong is appended to `problems`."""
    reader = Reader(node, problems)
    if not reader.has("apiVersion"):
        reader.choice("version", [PROMETHEUS])
        slos = _group(reader, _KEYS[PROMETHEUS])
        reader.done()
        return Document(PROMETHEUS, node.span.file, slos)
    reader.text("kind")
    if reader.text("apiVersion") == OPENSLO:
        return Document(OPENSLO, node.span.file, read_v1alpha(reader))
    metadata = _metadata(reader.mapping("metadata"))
    reader.get("status", required=False)
    spec = reader.mapping("spec")
    slos = _group(spec, _KEYS[KUBERNETES])
    for inner in (spec, reader):
        inner.done()
    return Document(KUBERNETES, node.span.file, slos, metadata)


def _metadata(reader: Reader) -> Metadata:
    found = Metadata(
        reader.text("name"), reader.text("namespace", ""), reader.strings("labels"), reader.strings("annotations")
    )
    for key in _SERVER_SIDE:
        reader.get(key, required=False)
    reader.done()
    return found


def _group(reader: Reader, keys: _Keys) -> tuple[SlothSlo, ...]:
    """Return the SLOs of one service; their labels take precedence over the group's."""
    service = fields.name(reader, "service")
    labels = fields.labels(reader)
    fields.no_plugins(reader, keys.plugins)
    before = len(reader.problems)
    nodes = reader.sequence("slos")
    if not nodes and len(reader.problems) == before:
        reader.fail("spec/value", reader.span("slos"), "a service needs at least one SLO", "write one under `slos:`")
    readers = [Reader(node, reader.problems, f"slos[{index}]") for index, node in enumerate(nodes)]
    return tuple(_slo(one, keys, service, reader.span("service"), labels) for one in readers)


def _slo(reader: Reader, keys: _Keys, service: str, service_span: Span, labels: dict[str, str]) -> SlothSlo:
    name = fields.name(reader, "name")
    description = reader.text("description", "")
    objective = fields.objective(reader, "objective")
    own = fields.labels(reader)
    sli = _sli(reader, keys)
    fields.no_plugins(reader, "plugins")
    alert, page, ticket, alert_span = _alerting(reader, keys)
    reader.done()
    return SlothSlo(
        service,
        name,
        description,
        objective,
        {**labels, **own},
        sli,
        alert,
        page,
        ticket,
        reader.span("name"),
        reader.span("objective"),
        service_span,
        alert_span,
    )


def _sli(slo: Reader, keys: _Keys) -> Sli:
    before = len(slo.problems)
    sli = slo.mapping("sli")
    fields.no_sli_plugin(sli)
    events, raw = sli.mapping("events", required=False), sli.mapping("raw", required=False)
    kinds = [key for key in ("events", "raw") if sli.get(key, required=False)]
    if len(kinds) > 1:
        slo.fail("spec/value", sli.node.span, "an SLI is either `events` or `raw`, not both", "remove one of them")
    elif not kinds and len(slo.problems) == before:
        slo.fail("spec/value", sli.node.span, "an SLI needs `events` or `raw`", "write one of them")
    found = Sli()
    if "events" in kinds:
        found = Sli(error=fields.query(events, keys.error), total=fields.query(events, keys.total))
        if found.error and found.total and found.error.text == found.total.text != "":
            what = "errors and total are the same query: every event would be an error"
            events.fail("spec/value", events.span(keys.total), what, "count all events here")
    if "raw" in kinds:
        found = Sli(ratio=fields.query(raw, keys.ratio))
    for inner in (events, raw, sli):
        inner.done()
    return found


def _alerting(slo: Reader, keys: _Keys) -> tuple[str, Alert | None, Alert | None, Span]:
    """Return the name and the two alerts (None: disabled); what both carry stands above them."""
    alerting = slo.mapping("alerting")
    labels, annotations = fields.labels(alerting), fields.notes(alerting)
    levels = [alerting.mapping(key, required=False) for key in (keys.page, keys.ticket)]
    page, ticket = (_alert(level, labels, annotations) for level in levels)
    needed = slo.has("alerting") and bool(page or ticket)
    before = len(slo.problems)
    name = alerting.text("name", None if needed else "")
    if needed and not name.strip() and len(slo.problems) == before:
        fix = "name it, or disable both alerts"
        alerting.fail("spec/value", alerting.span("name"), "the alert has no name", fix)
    alerting.done()
    return name, page, ticket, alerting.span("name")


def _alert(level: Reader, labels: dict[str, str], annotations: dict[str, str]) -> Alert | None:
    disabled = level.flag("disable", default=False)
    own_labels, own_annotations = fields.labels(level), fields.notes(level)
    level.done()
    return None if disabled else Alert({**labels, **own_labels}, {**annotations, **own_annotations})
