"""Log lines say which trace, run and tenant they belong to, hold nothing private, and keep to their levels."""

from __future__ import annotations

import json
import logging

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from research_assistant.cli import main
from research_assistant.settings import Settings

from bongsu.core.errors import UsageError
from bongsu.telemetry import context, logs, traces


class Nowhere(SpanExporter):
    def export(self, spans: object) -> SpanExportResult:  # noqa: ARG002 - nothing is kept
        return SpanExportResult.SUCCESS


def line_of(message: str, *args: object, **extra: object) -> dict[str, object]:
    record = logging.getLogger("test").makeRecord("test", logging.INFO, "x", 1, message, args, None, extra=extra)
    read: dict[str, object] = json.loads(logs.JsonLines().format(record))
    return read


def test_a_line_names_its_trace_its_run_and_its_tenant() -> None:
    end = traces.use(Nowhere(), "test")
    try:
        with traces.span("work"), context.bound(run_id="r-1", tenant="acme"):
            ids = traces.current_ids()
            line = line_of("done")
    finally:
        end()
    assert (line["trace_id"], line["run_id"], line["tenant"]) == (ids["trace_id"], "r-1", "acme")
    assert "trace_id" not in line_of("outside")
    assert "run_id" not in line_of("outside")


def test_what_is_learnt_on_the_way_ends_with_its_block() -> None:
    with context.bound():
        context.add(tenant="acme")
        assert line_of("inside")["tenant"] == "acme"
    assert "tenant" not in line_of("outside")


def test_ids_exist_without_an_exporter_and_no_exemplar_points_at_what_is_not_kept() -> None:
    end = traces.use(None, "test")
    try:
        with traces.span("work"):
            assert len(str(line_of("x")["trace_id"])) == 32
            assert traces.exemplar() is None
            assert int(str(traces.traceparent())[-2:], 16) & 1 == 0  # not sampled
    finally:
        end()


def test_a_private_number_in_a_field_a_message_or_a_traceback_is_not_written() -> None:
    found = (ValueError, ValueError("card 4111 1111 1111 1111"), None)
    record = logging.LogRecord("t", logging.ERROR, __file__, 1, "mail %s", ("a@example.com",), found)
    record.worker, record.fence = "010-1234-5678", 3
    text = logs.JsonLines().format(record)
    assert not any(private in text for private in ("4111", "example.com", "1234"))
    assert json.loads(text)["fence"] == 3


@pytest.mark.parametrize("environment", ["dev", "staging"])
def test_debug_is_for_dev_and_staging(environment: str) -> None:
    given = {"RESEARCH_ASSISTANT_ENVIRONMENT": environment, "RESEARCH_ASSISTANT_LOG_LEVEL": "DEBUG"}
    assert Settings.from_env(given, needs=()).log_level == "DEBUG"


def test_debug_is_refused_in_production_by_the_settings() -> None:
    given = {"RESEARCH_ASSISTANT_ENVIRONMENT": "production", "RESEARCH_ASSISTANT_LOG_LEVEL": "debug"}
    with pytest.raises(UsageError, match="RESEARCH_ASSISTANT_LOG_LEVEL is DEBUG, which production does not allow"):
        Settings.from_env(given, needs=())
    assert Settings.from_env(given | {"RESEARCH_ASSISTANT_LOG_LEVEL": "WARNING"}, needs=()).log_level == "WARNING"


def test_debug_is_refused_in_production_by_every_verb(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESEARCH_ASSISTANT_ENVIRONMENT", "production")
    monkeypatch.setenv("RESEARCH_ASSISTANT_LOG_LEVEL", "DEBUG")
    assert main(["provider", "show"]) == 2
    said = capsys.readouterr().err
    assert "production does not allow" in said
    assert "choose one of INFO, WARNING, ERROR" in said


def test_an_unknown_environment_and_an_unknown_generation_are_refused() -> None:
    given = {"RESEARCH_ASSISTANT_ENVIRONMENT": "prod", "RESEARCH_ASSISTANT_SEMCONV": "v9"}
    with pytest.raises(
        UsageError, match=r"RESEARCH_ASSISTANT_ENVIRONMENT is 'prod'.*RESEARCH_ASSISTANT_SEMCONV is 'v9'"
    ):
        Settings.from_env(given, needs=())
