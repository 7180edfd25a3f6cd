"""The research assistant's own telemetry: what a process sets up, and what a worker tells of each run."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
from opentelemetry.trace import SpanKind, StatusCode

from bongsu.core import conventions as names
from bongsu.core import semconv
from bongsu.telemetry import context, genai, redact, traces
from bongsu.telemetry import metrics as m
from bongsu.telemetry.traces import span
from research_assistant import db, patterns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.telemetry.traces import Attributes
    from research_assistant.runs import Claim, Run
    from research_assistant.settings import Settings

WORKFLOW = "research-assistant"


@contextmanager
def set_up(settings: Settings, process: str) -> Iterator[None]:
    """Make a serving process traced and measured; at the end, export what waits."""
    redact.remember(settings.openai_api_key)
    genai.setup(settings.semconv)
    m.start_series()
    db.count_connections()
    end = traces.setup(f"{WORKFLOW}-{process}", settings.traces, settings.trace_ratio, environment=settings.environment)
    try:
        with context.bound(service=f"{WORKFLOW}-{process}"):
            yield
    finally:
        end()


def ready() -> None:
    """Say how long it took from the start of the process until its agents could work."""
    m.gauge(names.AGENT_INIT).set(time.time() - psutil.Process().create_time())


@contextmanager
def claimed(claim: Claim) -> Iterator[None]:
    """Watch a claimed run: its trace goes on where it was submitted, its log lines name it and its tenant."""
    run = claim.run
    waited = (run.started_at - run.submitted_at).total_seconds() if run.started_at else 0.0
    attributes: Attributes = {
        "messaging.message.id": str(run.id),
        "bongsu.tenant": run.tenant,
        "bongsu.fence": claim.fence,
        "bongsu.queue_seconds": waited,
    }
    workflow = {
        semconv.OPERATION: semconv.INVOKE_WORKFLOW,
        semconv.WORKFLOW: WORKFLOW,
        semconv.CONVERSATION: str(run.id),
    }
    with (
        context.bound(run_id=str(run.id), tenant=run.tenant),
        span("process runs", attributes, kind=SpanKind.CONSUMER, parent=run.traceparent),
        span(f"{semconv.INVOKE_WORKFLOW} {WORKFLOW}", workflow),
    ):
        if claim.fence == 1:
            m.queue_wait.labels(run.priority).observe(waited)
        yield


def ended(run: Run, state: str, *, run_class: str = "unknown", seconds: float = 0.0, kind: str = "") -> None:
    """Count a run that ended; call it after the fenced write, inside `claimed`."""
    m.tasks.labels(run_class, patterns.language(run.question), state).inc()
    genai.workflow(WORKFLOW, seconds, kind)
    if kind:
        current = traces.current()
        current.set_attribute(semconv.ERROR_TYPE, kind)
        current.set_status(StatusCode.ERROR)
