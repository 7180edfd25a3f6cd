"""Traces: spans by the OpenTelemetry SDK, their context as W3C `traceparent`, out by OTLP/HTTP or into a file.

Nothing is exported unless asked for, but every span has ids: logs carry them, and the context travels on.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bongsu.core.errors import UsageError
from bongsu.telemetry.exporters import JsonLinesFile, Redacting
from bongsu.telemetry.light import Maker, context_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue

    Attributes: TypeAlias = Mapping[str, AttributeValue]

SCOPE = "bongsu"
OTLP, FILE = "otlp", "file:"
_W3C = TraceContextTextMapPropagator()
_PARENT = "traceparent"
_EXPORT_EVERY_MILLIS = 1_000


@dataclass(slots=True)
class _Tracing:
    """What makes spans once `setup` was called; before, the application's own provider (the global one) does."""

    maker: Maker | None = None


_tracing = _Tracing()


def exporter_of(target: str) -> SpanExporter | None:
    """Return the exporter that `target` names: `otlp`, `otlp:URL`, `file:PATH`, or "" for none.

    `otlp` alone reads the standard OTEL_EXPORTER_OTLP_* variables. Raises UsageError.
    """
    if not target:
        return None
    if target.startswith(FILE) and target != FILE:
        return JsonLinesFile(target.removeprefix(FILE))
    if target == OTLP or target.startswith(f"{OTLP}:http"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - 0.1 s

        return OTLPSpanExporter(endpoint=target.removeprefix(f"{OTLP}:") if target != OTLP else None)
    raise UsageError(f"traces cannot go to {target!r}", next="write otlp, otlp:URL, file:PATH or nothing")


def setup(service: str, target: str = "", ratio: float = 1.0, *, environment: str = "dev") -> Callable[[], None]:
    """Make this process trace: `ratio` of the traces that begin here are exported to `target`, a caller's decide.

    Returns what flushes and ends the export. Raises UsageError for an unknown target.
    """
    return use(exporter_of(target), service, ratio, environment=environment)


def use(
    exporter: SpanExporter | None, service: str, ratio: float = 1.0, *, environment: str = "dev"
) -> Callable[[], None]:
    """Trace into this exporter (None: ids only); return what flushes and ends the export."""
    resource = Resource.create({"service.name": service, "deployment.environment.name": environment})
    batches: SpanProcessor | None = None
    if exporter:
        batches = BatchSpanProcessor(Redacting(exporter), schedule_delay_millis=_EXPORT_EVERY_MILLIS)
    _tracing.maker = Maker(resource, InstrumentationScope(SCOPE), batches, ratio)

    def end() -> None:
        _tracing.maker = None
        if batches:
            batches.shutdown()

    return end


def start(
    name: str,
    attributes: Attributes | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    under: Span | None = None,
) -> Span:
    """Start a span under `under` (default: the current one), current itself for nobody; the caller ends it."""
    if _tracing.maker is not None:
        return _tracing.maker.start(name, context_of(under), kind, attributes)
    surrounding = trace.set_span_in_context(under) if under else None
    return trace.get_tracer(SCOPE).start_span(name, surrounding, kind, attributes)


@contextmanager
def span(
    name: str,
    attributes: Attributes | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: str | None = None,
) -> Iterator[Span]:
    """Open a span for the time of the block, under the current one or under `parent` (a `traceparent`).

    An error leaves its type and never its message: messages quote what users wrote.
    """
    opened = start(name, attributes, kind=kind, under=remote(parent) if parent else None)
    token = attach(trace.set_span_in_context(opened))
    try:
        yield opened
    except BaseException as error:  # a cancelled task ends its span as well; it is raised again
        failed(opened, error)
        raise
    finally:
        detach(token)
        opened.end()


def failed(opened: Span, error: BaseException) -> None:
    """Mark a span as failed by this kind of error."""
    opened.set_attribute("error.type", type(error).__qualname__)
    opened.set_status(StatusCode.ERROR)


def remote(traceparent: str) -> Span:
    """Return the span that a `traceparent` names; an unreadable one names none."""
    return trace.get_current_span(_W3C.extract({_PARENT: traceparent}, Context()))


def traceparent() -> str | None:
    """Return the current context as a `traceparent`, None outside any span."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get(_PARENT)


def current_ids() -> dict[str, str]:
    """Return `trace_id` and `span_id` of the current span in hexadecimal; nothing outside any span."""
    found = trace.get_current_span().get_span_context()
    if not found.is_valid:
        return {}
    return {"trace_id": f"{found.trace_id:032x}", "span_id": f"{found.span_id:016x}"}


def exemplar() -> dict[str, str] | None:
    """Return the ids of the current span when it is going to be exported, for an exemplar."""
    return current_ids() if trace.get_current_span().get_span_context().trace_flags.sampled else None


def current() -> Span:
    """Return the current span; outside any, one that takes everything and keeps nothing."""
    return trace.get_current_span()
