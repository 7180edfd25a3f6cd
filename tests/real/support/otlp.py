"""A collector for tests: it takes traces by OTLP/HTTP as protobuf, decodes them and keeps the spans."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH, PROTOBUF = "/v1/traces", "application/x-protobuf"


class Collector(ThreadingHTTPServer):
    """Keeps what was exported to it; anything but OTLP over HTTP is refused, and exporters say so in their log."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._lock = Lock()
        self._spans: list[dict[str, Any]] = []
        self.received = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{PATH}"

    def take(self, body: bytes) -> None:
        spans = decoded(body)
        with self._lock:
            self.received += body
            self._spans += spans

    def spans_of(self, trace: str) -> list[dict[str, Any]]:
        """Return the spans of a trace that have come so far."""
        with self._lock:
            return [span for span in self._spans if span["trace_id"] == trace]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        good = (self.path, self.headers.get("Content-Type")) == (PATH, PROTOBUF)
        if good:
            self.server.take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
        said = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200 if good else 400)
        self.send_header("Content-Type", PROTOBUF)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


def decoded(body: bytes) -> list[dict[str, Any]]:
    """Return the spans of an export request: ids in hexadecimal, `parent_span_id` "" for a root."""
    spans = []
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        told = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                ids = {name: getattr(span, name).hex() for name in ("trace_id", "span_id", "parent_span_id")}
                attributes = {pair.key: str(pair.value).strip() for pair in span.attributes}
                spans.append({**ids, "name": span.name, "service": told["service.name"], "attributes": attributes})
    return spans


@contextmanager
def collector() -> Iterator[Collector]:
    """Serve a collector on the loopback."""
    with Collector() as made:
        Thread(target=made.serve_forever, daemon=True).start()
        try:
            yield made
        finally:
            made.shutdown()
