"""Spans without the SDK's tracer: plain values until they end, then the SDK's own ReadableSpan to its processor.

The SDK's tracer asks a sampler, copies, checks and locks attributes for each span; a run has a dozen of them, and they
cost 1 ms of the run's CPU (docs/adr/0025-telemetry.md).
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

_TRACE_LIMIT = (1 << 64) - 1
_STATUS = {code: Status(code) for code in StatusCode}
_SAMPLED, _DROPPED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)


@dataclass(frozen=True, slots=True)
class Maker:
    """What the spans of one process have in common; without a processor they have ids and nothing else."""

    resource: Resource
    scope: InstrumentationScope
    processor: SpanProcessor | None
    ratio: float

    def start(
        self, name: str, parent: SpanContext | None, kind: SpanKind, attributes: Mapping[str, Any] | None
    ) -> NonRecordingSpan:
        """Return a span under `parent`, whose sampling it follows; without one, of a new trace."""
        if parent is not None and parent.is_valid:
            trace_id, sampled = parent.trace_id, parent.trace_flags.sampled and self.processor is not None
        else:
            parent, trace_id = None, random.getrandbits(128) or 1
            # The rule of OpenTelemetry's TraceIdRatioBased, so that processes of one trace agree.
            sampled = self.processor is not None and trace_id & _TRACE_LIMIT < self.ratio * (_TRACE_LIMIT + 1)
        span_id = random.getrandbits(64) or 1
        own = SpanContext(trace_id, span_id, is_remote=False, trace_flags=_SAMPLED if sampled else _DROPPED)
        return LightSpan(self, name, own, parent, kind, attributes) if sampled else NonRecordingSpan(own)


class LightSpan(NonRecordingSpan):
    """A span that keeps its name, attributes and status, and hands itself over when it ends; it takes no events."""

    def __init__(  # noqa: PLR0917 - one argument a field
        self,
        maker: Maker,
        name: str,
        own: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: Mapping[str, Any] | None,
    ) -> None:
        super().__init__(own)
        self._maker, self._name, self._parent, self._kind = maker, name, parent, kind
        self._kept = dict(attributes or {})
        self._code = StatusCode.UNSET
        self._start, self._ended = time.time_ns(), False

    def is_recording(self) -> bool:
        """Tell whether what is set will be kept."""
        return not self._ended

    def set_attribute(self, key: str, value: Any) -> None:
        """Keep an attribute."""
        self._kept[key] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Keep attributes."""
        self._kept.update(attributes)

    def update_name(self, name: str) -> None:
        """Change the name."""
        self._name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:  # noqa: ARG002 - never kept
        """Keep the status without its description: descriptions quote what users wrote."""
        self._code = status.status_code if isinstance(status, Status) else status

    def end(self, end_time: int | None = None) -> None:
        """Hand the span over, once."""
        processor = self._maker.processor
        if self._ended or processor is None:
            return
        self._ended = True
        processor.on_end(
            ReadableSpan(
                self._name,
                self.get_span_context(),
                self._parent,
                self._maker.resource,
                self._kept,
                kind=self._kind,
                status=_STATUS[self._code],
                start_time=self._start,
                end_time=end_time or time.time_ns(),
                instrumentation_scope=self._maker.scope,
            )
        )


def context_of(span: trace.Span | None) -> SpanContext | None:
    """Return the context of a span, of the current one for None."""
    return (span or trace.get_current_span()).get_span_context()
