"""Where finished spans go: a file of JSON lines; and the redaction in front of every way out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Status

from bongsu.telemetry.redact import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Redacting(SpanExporter):
    """Pass spans on to another exporter, with every text in them redacted."""

    def __init__(self, exporter: SpanExporter, redact: Callable[[str], str] = clean) -> None:
        self._exporter, self._redact = exporter, redact

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export the redacted spans."""
        return self._exporter.export([self._redacted(span) for span in spans])

    def shutdown(self) -> None:
        """End the export."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export what waits."""
        return self._exporter.force_flush(timeout_millis)

    def _redacted(self, span: ReadableSpan) -> ReadableSpan:
        description = span.status.description
        if not (span.events or span.links or description) and self._is_clean(span):
            return span  # nearly every one: nothing to copy
        return ReadableSpan(
            name=self._redact(span.name),
            context=span.get_span_context(),
            parent=span.parent,
            resource=span.resource,
            attributes=self._attributes(span.attributes),
            events=[Event(self._redact(e.name), self._attributes(e.attributes), e.timestamp) for e in span.events],
            links=[Link(link.context, self._attributes(link.attributes)) for link in span.links],
            kind=span.kind,
            status=Status(span.status.status_code, description and self._redact(description)),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _is_clean(self, span: ReadableSpan) -> bool:
        texts = [span.name, *(span.attributes or {})]
        for value in (span.attributes or {}).values():
            if isinstance(value, str):
                texts.append(value)
            elif not isinstance(value, bool | int | float):
                return False
        return all(self._redact(text) == text for text in texts)

    def _attributes(self, attributes: Mapping[str, Any] | None) -> dict[str, Any]:
        return {self._redact(name): self._value(value) for name, value in (attributes or {}).items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._redact(value)
        if isinstance(value, bytes):
            return self._redact(value.decode(errors="replace"))
        return tuple(self._value(item) for item in value) if isinstance(value, list | tuple) else value


class JsonLinesFile(SpanExporter):
    """Append each span to a file as one JSON line: ids in hexadecimal, times in Unix nanoseconds.

    The file is opened for each batch, so that it may be rotated away.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append the spans; a full disk costs them, not the process."""
        text = "".join(f"{json.dumps(as_json(span), ensure_ascii=False)}\n" for span in spans)
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS


def as_json(span: ReadableSpan) -> dict[str, Any]:
    """Return a span as plain JSON values."""
    own = span.get_span_context()
    return {
        "trace_id": f"{own.trace_id:032x}" if own else None,
        "span_id": f"{own.span_id:016x}" if own else None,
        "parent_span_id": f"{span.parent.span_id:016x}" if span.parent else None,
        "name": span.name,
        "kind": span.kind.name,
        "start": span.start_time,
        "end": span.end_time,
        "status": span.status.status_code.name,
        "attributes": dict(span.attributes or {}),
        "events": [{"name": e.name, "time": e.timestamp, "attributes": dict(e.attributes or {})} for e in span.events],
        "links": [{"trace_id": f"{link.context.trace_id:032x}"} for link in span.links],
        "service": span.resource.attributes.get("service.name"),
    }
