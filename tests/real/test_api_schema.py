"""The OpenAPI document against the API that runs: schemathesis with all its checks, for a bounded time."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench import api_contract
from tests.real.support.api_process import api_process
from tests.real.support.contract import look, wide
from tests.real.support.pg import Postgres

EXAMPLES, SECONDS = 4, 15


def test_the_api_is_what_its_document_says_and_never_fails(server: Postgres, tmp_path: Path) -> None:
    with api_process(server, "api_schema", **wide(tmp_path)) as api:
        seen = look(tmp_path, api.url, api.key, examples=EXAMPLES, seconds=SECONDS)
        log = api.log.read_text(encoding="utf-8")
    assert seen.code == 0, seen.said[-4_000:]
    assert (seen.server_errors, seen.failed) == (0, {})
    assert "14 selected / 14 total" in seen.said
    assert seen.cases > 100
    assert '"level": "ERROR"' not in log


@pytest.mark.long
def test_without_the_tenant_filter_the_bench_of_the_contract_falls_short(capsys: pytest.CaptureFixture[str]) -> None:
    assert api_contract.main(["--examples", "1", "--without-tenant-filter"]) == 1
    said = [line for line in capsys.readouterr().out.splitlines() if line.endswith("FALLS SHORT")]
    assert len(said) == 1
    assert said[0].startswith("reads or writes across tenants, 14 endpoints: ")
    assert "GET /v1/runs/{run_id}: told what is ann's" in said[0]
    assert "DELETE /v1/runs/{run_id}: changed what is ann's" in said[0]


class Failing(BaseHTTPRequestHandler):
    """An API that describes one route and fails on it."""

    def do_GET(self) -> None:
        described = {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {"/x": {"get": OPERATION}}}
        body = json.dumps(described).encode()
        self.send_response(200 if self.path == "/openapi.json" else 500)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


OPERATION = {"responses": {"200": {"description": "ok"}}}


def test_an_api_that_fails_is_found(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Failing) as failing:
        threading.Thread(target=failing.serve_forever, daemon=True).start()
        seen = look(tmp_path, f"http://127.0.0.1:{failing.server_port}", "none", examples=EXAMPLES, seconds=5)
        failing.shutdown()
    assert seen.code == 1
    assert "Server error" in seen.said
    assert seen.server_errors > 0
    assert ("GET /x", "not_a_server_error") in seen.failed
