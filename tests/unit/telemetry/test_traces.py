"""Spans: their context travels as W3C `traceparent`, sampling keeps a share, and a file holds one span a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bongsu.core.errors import UsageError
from bongsu.telemetry import traces
from bongsu.telemetry.exporters import JsonLinesFile

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def written(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_a_span_goes_on_where_its_traceparent_came_from(tmp_path: Path) -> None:
    file = tmp_path / "sub" / "spans.jsonl"
    end = traces.setup("test", f"file:{file}", ratio=0.0)
    with traces.span("child", {"n": 1}, parent=f"00-{TRACE}-00f067aa0ba902b7-01"):
        assert str(traces.traceparent()).startswith(f"00-{TRACE}-")
        assert traces.exemplar() == traces.current_ids()
    end()
    (span,) = written(file)
    assert (span["trace_id"], span["parent_span_id"], span["name"]) == (TRACE, "00f067aa0ba902b7", "child")
    assert span["attributes"] == {"n": 1}


def test_a_traceparent_that_cannot_be_read_starts_a_trace_of_its_own(tmp_path: Path) -> None:
    end = traces.setup("test", f"file:{tmp_path / 's'}")
    with traces.span("root", parent="nonsense"):
        pass
    end()
    assert written(tmp_path / "s")[0]["parent_span_id"] is None


def test_a_share_of_the_traces_is_kept(tmp_path: Path) -> None:
    end = traces.use(JsonLinesFile(str(tmp_path / "s")), "test", ratio=0.25)
    for _ in range(2_000):
        with traces.span("root"):
            pass
    end()
    assert 400 < len(written(tmp_path / "s")) < 600  # seven standard deviations around 500


def test_an_error_leaves_its_kind_and_never_its_message(tmp_path: Path) -> None:
    end = traces.setup("test", f"file:{tmp_path / 's'}")
    with pytest.raises(ValueError, match="secret"), traces.span("work"):
        raise ValueError("secret question")
    end()
    (span,) = written(tmp_path / "s")
    assert (span["status"], span["attributes"]) == ("ERROR", {"error.type": "ValueError"})
    assert "secret" not in json.dumps(span)


@pytest.mark.parametrize("target", ["jaeger", "file:", "otlp:grpc://x"])
def test_an_unknown_target_is_refused(target: str) -> None:
    with pytest.raises(UsageError, match="traces cannot go to"):
        traces.exporter_of(target)
