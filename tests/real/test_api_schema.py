"""The OpenAPI document against the API that runs: schemathesis with all its checks, for a bounded time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.real.support.api_process import api_process
from tests.real.support.pg import Postgres
from tests.real.support.stand_ins import ROOT

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
CONFIG = ROOT / "tests/real/support/schemathesis.toml"
EXAMPLES, SECONDS = 4, 15


def judge(folder: Path, url: str, key: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Let schemathesis look at what `url` describes; return what it said. It leaves its cache in `folder`."""
    argv = [str(SCHEMATHESIS), "--config-file", str(CONFIG), "run", url, "-H", f"Authorization: Bearer {key}"]
    bounds = ["-n", str(EXAMPLES), "--max-time", str(SECONDS), "--seed", "1", "--no-shrink", "--continue-on-failure"]
    more = ["--generation-database", "none", "--request-timeout", "10", *options]
    return subprocess.run([*argv, *bounds, *more], capture_output=True, text=True, cwd=folder, timeout=150, check=False)


def test_the_api_is_what_its_document_says_and_never_fails(server: Postgres, tmp_path: Path) -> None:
    limit = {"waiting_seconds": 1e6, "depth": 10**6}
    wide = tmp_path / "admission.json"
    wide.write_text(json.dumps({"shed": {"batch": limit, "interactive": limit}}), encoding="utf-8")
    more = {"REQUESTS_PER_MINUTE": "1000000", "TENANT_DOCUMENTS": "100000", "ADMISSION_FILE": str(wide)}
    variables = {f"RESEARCH_ASSISTANT_{name}": value for name, value in more.items()}
    with api_process(server, "api_schema", **variables) as api:
        said = judge(tmp_path, f"{api.url}/openapi.json", api.key)
        log = api.log.read_text(encoding="utf-8")
    assert said.returncode == 0, said.stdout[-4_000:]
    assert "Tested: 14" in said.stdout or "14 selected / 14 total" in said.stdout
    assert '"level": "ERROR"' not in log


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
        said = judge(tmp_path, f"http://127.0.0.1:{failing.server_port}/openapi.json", "none", "--max-time", "5")
        failing.shutdown()
    assert said.returncode == 1
    assert "Server error" in said.stdout
