"""Write the corpus through everything that telemetry writes to: a log file, a trace file, the labels of a metric."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest

from bench.support.private import leaked
from bongsu.core.metric import Metric
from bongsu.telemetry.exporters import JsonLinesFile, Redacting
from bongsu.telemetry.guard import Guard
from bongsu.telemetry.instruments import Maker
from bongsu.telemetry.logs import JsonLines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.support.private import Planted

    Redact = Callable[[str], str]

LABELLED = Metric("corpus_total", "counter", "One series for each text.", labels=(("text", ()),))
SINKS = ("log", "trace", "label")


def leaks(items: Sequence[Planted], folder: Path, redact: Redact) -> dict[str, list[Planted]]:
    """Return for each sink the items that can be read in what was written for them."""
    written = {
        "log": log_lines([item.text for item in items], folder / "log.jsonl", redact),
        "trace": trace_lines([item.text for item in items], folder / "spans.jsonl", redact),
        "label": [label_text(item.text, redact) for item in items],
    }
    return {
        sink: [item for item, text in zip(items, texts, strict=True) if leaked(item, text)]
        for sink, texts in written.items()
    }


def log_lines(texts: Sequence[str], file: Path, redact: Redact) -> list[str]:
    """Log each text three ways, as message, as a field and in a traceback; return one text for each, read back."""
    handler = logging.FileHandler(file, mode="w", encoding="utf-8")
    handler.setFormatter(JsonLines(redact))
    log = logging.Logger("corpus")  # noqa: LOG001 - no logger of the process: nothing else may write here
    log.addHandler(handler)
    for text in texts:
        try:
            _fail(text)
        except ValueError:
            log.exception("%s", text, extra={"kind": text})
    handler.close()
    lines = file.read_text(encoding="utf-8").splitlines()
    return ["\n".join(map(str, json.loads(line).values())) for line in lines]


def _fail(text: str) -> None:
    raise ValueError(text)


def trace_lines(texts: Sequence[str], file: Path, redact: Redact) -> list[str]:
    """Put each text into a span's name, attribute and event; return one text for each, read back."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(Redacting(JsonLinesFile(str(file)), redact)))
    tracer = provider.get_tracer("corpus")
    for text in texts:
        span = tracer.start_span(f"look up {text}", attributes={"text": text, "list": [text, "x"]})
        span.add_event("note", {"text": text})
        span.record_exception(ValueError(text))
        span.end()
    provider.shutdown()
    lines = file.read_text(encoding="utf-8").splitlines()
    return ["\n".join(_texts(json.loads(line))) for line in lines]


def label_text(text: str, redact: Redact) -> str:
    """Count under the text as a label value; return what a scrape shows."""
    registry = CollectorRegistry()
    counter = Maker(registry).make(LABELLED)
    counter.guard = Guard(LABELLED, redact=redact)
    counter.labels(text).inc()
    shown = generate_latest(registry).decode()
    return shown.replace(r"\n", "\n").replace(r"\"", '"').replace("\\\\", "\\")


def _texts(value: object) -> list[str]:
    """Return every text in a JSON value; ids and times of the span itself hold no item."""
    if isinstance(value, dict):
        skipped = ("trace_id", "span_id", "start", "end", "time", "parent_span_id")
        return [text for name, inner in value.items() if name not in skipped for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [str(value)]
