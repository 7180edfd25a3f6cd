"""A system as small as one can be under the stack's care: `python tiny_system.py serve PORT FOLDER` and friends.

`serve` answers /healthz and /metrics and writes the variables it sees to FOLDER/env-PORT.json; `setup` and `ask` run to
completion, `fail` fails; `stubborn` ignores SIGTERM and leaves a grandchild behind; `broken` ends before it is ready.
"""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.alerts.model import Endpoints

MANIFEST = """\
apiVersion: bongsu/v1
service: tiny
stores:
  - {{name: postgres, kind: postgresql, env: DATABASE_URL}}
upstreams:
  - {{name: llm-primary, env: OPENAI_BASE_URL}}
secrets:
  - {{name: api-key, env: TINY_KEY_FILE}}
setup:
  - [{python}, {program}, setup, {folder}, "{{secret:api-key}}"]
processes:
  - name: web
    command: [{python}, {program}, {web}, "{{port}}", {folder}]
    port: {base}
    url_env: TINY_URL
    ready: /healthz
    metrics: /metrics
  - name: worker
    command: [{python}, {program}, serve, "{{port}}", {folder}]
    replicas: 2
    port: {worker}
    ready: /healthz
    metrics: /metrics
traffic: {{command: [{python}, {program}, ask]}}
probe: {{command: [{python}, {program}, ask]}}
sample: {{command: [{python}, {program}, {ask}]}}
actions:
  - {{name: provider-show, command: [{python}, {program}, ask]}}
  - name: provider-switch
    command: [{python}, {program}, "{{to}}"]
    arguments: {{to: {{type: choice, values: [primary, secondary]}}}}
compressible: {{TINY_DAY_SECONDS: 86400}}
"""
ALERTMANAGER = "route: {receiver: none}\nreceivers: [{name: none}]\n"


def write_tiny(root: Path, base: int, web: str = "serve", ask: str = "ask") -> Path:
    """Write the manifest of a tiny system to `root` and return the folder into which its processes write."""
    folder = root / "seen"
    folder.mkdir()
    text = MANIFEST.format(
        python=json.dumps(sys.executable),
        program=json.dumps(str(Path(__file__))),
        folder=json.dumps(str(folder)),
        web=web,
        ask=ask,
        base=base,
        worker=base + 1,
    )
    (root / "bongsu.yaml").write_text(text, encoding="utf-8")
    return folder


def copy_catalogues(root: Path) -> None:
    """Give the tiny system the specifications of this repository: the verbs compile before they start anything.

    Without the drills: the tiny system has no stores worth a repository.
    """
    here = Path(__file__).parents[3]
    for folder in ("slo", "alerts", "runbooks", "dashboards", "chaos"):
        shutil.copytree(here / folder, root / folder, ignore=shutil.ignore_patterns("drills"))


def compiled(_: Endpoints) -> Mapping[str, str]:
    """Return the smallest rendered tree: no rules, nobody notified."""
    return {"alertmanager/alertmanager.yml": ALERTMANAGER}


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"tiny_up 1\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _serve(port: int, folder: Path) -> None:
    (folder / f"env-{port}.json").write_text(json.dumps(dict(os.environ)), encoding="utf-8")
    http.server.ThreadingHTTPServer(("127.0.0.1", port), _Handler).serve_forever()


def main(argv: list[str]) -> int:
    match argv:
        case ["serve", port, folder]:
            signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
            _serve(int(port), Path(folder))
        case ["stubborn", port, folder]:
            sleeper = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            (Path(folder) / "grandchild").write_text(str(sleeper.pid), encoding="utf-8")
            _serve(int(port), Path(folder))
        case ["broken", *_]:
            print("tiny: this is why it broke", file=sys.stderr)
            return 7
        case ["setup", folder, key]:
            (Path(folder) / "setup").write_text(Path(key).read_text(encoding="utf-8"), encoding="utf-8")
        case ["fail"]:
            print("tiny: I know no answer", file=sys.stderr)
            return 5
        case ["ask"]:
            print("An answer [1].\n[1] a source")
        case _:
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
