"""Logs as JSON lines on standard error: one object a line, with the fields the on-call engineer filters by."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bongsu.core.errors import UsageError
from bongsu.telemetry import context
from bongsu.telemetry.redact import clean
from bongsu.telemetry.traces import current_ids

if TYPE_CHECKING:
    from collections.abc import Callable

FIELDS = (
    *("run_id", "tenant", "node", "kind", "worker", "fence", "process", "priority", "question_chars"),
    *("outcome", "seconds", "operation", "provider", "model", "method", "route", "status"),
)
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
ENVIRONMENTS = ("dev", "staging", "production")
DEFAULT_LEVEL = "INFO"


_as_json = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make an encoder for each line


class JsonLines(logging.Formatter):
    """Format a record as one JSON line: time, level, logger, message, trace, our fields and the traceback if any.

    Questions, answers and keys are never logged; only their sizes are. What slips in by way of an error's message is
    redacted, here and in tracebacks.
    """

    def __init__(self, redact: Callable[[str], str] = clean) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._redact(record.getMessage()),
        }
        line.update(current_ids())
        known = {**context.fields(), **{name: record.__dict__[name] for name in FIELDS if name in record.__dict__}}
        line.update((name, self._field(value)) for name, value in known.items())
        if record.exc_info:
            line["traceback"] = self._redact(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = self._redact(record.stack_info)
        return _as_json(line)

    def _field(self, value: object) -> object:
        return value if isinstance(value, bool | float) or value is None else self._number_or_text(value)

    def _number_or_text(self, value: object) -> object:
        text = str(value)
        cleaned = self._redact(text)
        return value if isinstance(value, int) and cleaned == text else cleaned


def setup(level: str = DEFAULT_LEVEL) -> None:
    """Send every logger's records to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)


def allowed_levels(environment: str) -> tuple[str, ...]:
    """Return the levels an environment may log at: DEBUG shows what users wrote, so production never does."""
    return LEVELS[1:] if environment == "production" else LEVELS


def require_level(level: str, environment: str, variable: str) -> None:
    """Raise UsageError when `level`, set by `variable`, is not allowed in `environment`."""
    if level not in allowed_levels(environment):
        raise UsageError(
            f"{variable} is {level}, which {environment} does not allow",
            where="environment",
            next=f"choose one of {', '.join(allowed_levels(environment))}, or debug in dev or staging",
        )
