"""Read a file of labelled incidents: a story to generate (`traffic:`), or real history (times as RFC 3339)."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources

from bongsu.core.diagnostics import Problem, Severity, Span
from bongsu.core.durations import parse_duration
from bongsu.core.yaml import Node, Reader, load_documents
from bongsu.slo.incidents.model import EXPECTATIONS, Incident, Incidents, Traffic

_LONGEST = 400 * 86400.0


def packaged() -> tuple[str, str]:
    """Return the name and the text of the month of incidents that comes with the package."""
    file = resources.files("bongsu.slo.incidents") / "30d.yaml"
    return file.name, file.read_text(encoding="utf-8")


def load_incidents(text: str, file: str) -> tuple[Incidents, list[Problem]]:
    """Return the incidents of a file in the order of their start, and every problem of its form."""
    nodes, problems = load_documents(text, file)
    if len(nodes) != 1 and not problems:
        what = f"{len(nodes)} documents where one of kind Incidents belongs"
        problems.append(Problem("spec/documents", Severity.ERROR, Span(file), what, "", "write exactly one"))
    reader = Reader(nodes[0] if nodes else Node({}, Span(file)), problems if nodes else [])
    reader.choice("apiVersion", ["bongsu/v1"])
    reader.choice("kind", ["Incidents"])
    generated = reader.has("traffic")
    length = _seconds(reader, "length") if generated else 0.0
    if generated and not 0 < length <= _LONGEST and reader.has("length"):
        reader.fail("spec/value", reader.span("length"), "a story takes up to 400 days", "write 30d")
    incidents = [
        _incident(Reader(node, problems, "incidents"), length if generated else None)
        for node in reader.sequence("incidents")
    ]
    found = Incidents(
        tuple(sorted(incidents, key=lambda one: (one.start, one.name))),
        length,
        reader.integer("seed", 0),
        _traffic(reader.mapping("traffic")) if generated else None,
    )
    reader.done()
    return found, problems


def _traffic(reader: Reader) -> Traffic:
    traffic = Traffic(reader.number("day"), reader.number("night"), reader.number("background"))
    for key in ("day", "night", "background"):
        if reader.has(key) and not 0 <= reader.number(key) <= 1e6:  # noqa: PLR2004 - more is no traffic but a typo
            reader.fail("spec/value", reader.span(key), f"traffic.{key} lies between 0 and a million", "correct it")
    reader.done()
    return traffic


def _incident(reader: Reader, length: float | None) -> Incident:
    """Read one incident; `length` of the story, or None for real history."""
    name = reader.text("name")
    start = reader.parsed("start", parse_duration if length is not None else _instant, 0.0)
    if not reader.has("start"):
        reader.fail("spec/missing-key", reader.node.span, "incidents.start is missing", "say when it began")
    lasts = _seconds(reader, "lasts")
    incident = Incident(
        name,
        start,
        start + lasts,
        reader.choice("expect", EXPECTATIONS),
        reader.span("name"),
        *(_shares(reader) if length is not None else (0.0, 0.0)),
        *((reader.parsed("pulse", parse_duration, 0.0), reader.parsed("every", parse_duration, 0.0)) if length else ()),
    )
    if length and incident.end > length:
        reader.fail("spec/value", reader.span("lasts"), f"{name} ends after the story", "start it earlier")
    if (incident.pulse > 0) != (incident.every > 0) or incident.pulse > incident.every:
        reader.fail(
            "spec/value", reader.node.span, "`pulse` and `every` stand together, pulse <= every", "correct them"
        )
    reader.done()
    return incident


def _shares(reader: Reader) -> tuple[float, float]:
    share, burn = reader.number("share", 0.0), reader.number("burn", 0.0)
    if reader.has("share") == reader.has("burn"):
        reader.fail("spec/value", reader.node.span, "an incident has either `share` or `burn`", "write one of them")
    if not 0 <= share <= 1 or burn < 0:
        reader.fail("spec/value", reader.node.span, "share lies between 0 and 1, burn above 0", "correct it")
    return share, burn


def _instant(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no RFC 3339 time: write 2026-11-28T03:00:00Z") from None
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone: write 2026-11-28T03:00:00Z")
    return found.astimezone(UTC).timestamp()


def _seconds(reader: Reader, key: str) -> float:
    reader.text(key)
    return float(reader.parsed(key, parse_duration, 0.0))
