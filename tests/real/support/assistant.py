"""The whole research assistant as real processes: PostgreSQL, Chroma, two providers, search, API and one worker."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.real.support.pg import free_port, postgres
from tests.real.support.stand_ins import ROOT, Running, eventually, running, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.support.pg import Postgres

CORPUS = ROOT / "agents/research_assistant/corpus"
SCRIPT = Path(sys.executable).parent / "research-assistant"
CHROMA = Path(sys.executable).parent / "chroma"
START_SECONDS = 60.0
RUN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API answered: `headers` with lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Assistant:
    """A running research assistant and what a test may do to it."""

    folder: Path
    env: dict[str, str]
    server: Postgres
    chroma: Chroma
    primary: Running
    secondary: Running
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.env["RESEARCH_ASSISTANT_API_URL"]

    @property
    def key(self) -> str:
        return Path(self.env["RESEARCH_ASSISTANT_API_KEY_FILE"]).read_text(encoding="utf-8")

    def call(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one verb of the console script from the root of the repository."""
        done = subprocess.run(
            [str(SCRIPT), *argv], env=self.env, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
        )
        assert not check or done.returncode == 0, f"{argv} exited {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, name: str, *argv: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a verb that serves; what it says goes to a file in the folder."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen([str(SCRIPT), *argv], env=self.env | variables, stdout=log, stderr=log, cwd=ROOT)
        self.processes[name] = process
        return process

    def is_up(self, name: str, url: str) -> bool:
        """Tell whether a process answers; fail with its last words when it has ended."""
        assert self.processes[name].poll() is None, self.log(name)[-2000:]
        return answers(url)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def http(self, method: str, path: str, body: bytes | None = None, *, key: str | None = "", **headers: str) -> Reply:
        """Send one request to the API (or to a full URL); `key` None sends none, "" the right one."""
        url = path if path.startswith("http") else f"{self.url}{path}"
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            given["Authorization"] = f"Bearer {key or self.key}"
        request = urllib.request.Request(url, body, given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Reply(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())

    def submit(self, question: str, **headers: str) -> Reply:
        return self.http("POST", "/v1/runs", json.dumps({"question": question}).encode(), **headers)

    def ask(self, question: str) -> Any:
        """Return the final run of a question."""
        run: Any = {}
        path = f"/v1/runs/{self.submit(question).json['id']}"

        def final() -> bool:
            run.update(self.http("GET", path).json)
            return run["state"] in ("done", "failed")

        eventually(final, RUN_SECONDS)
        return run

    def metric(self, line: str) -> float:
        """Return the value of a series of the API (name and labels as exposed); fail when it is not there."""
        rows = self.http("GET", "/metrics", key=None).body.decode().splitlines()
        return next(float(row.rsplit(" ", 1)[1]) for row in rows if row.rsplit(" ", 1)[0] == line)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


class Chroma:
    """One Chroma server; `stop` and `start` keep the port, and the data unless the folder was removed."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "chroma"
        self._log = folder / "chroma.log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        argv = [str(CHROMA), "run", "--path", str(self.data), "--host", "127.0.0.1", "--port", str(self._port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        eventually(lambda: answers(f"{self.url}/api/v2/heartbeat"), START_SECONDS)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def running_assistant(*ingested: Path, **variables: str) -> Iterator[Assistant]:
    """Yield a research assistant that has ingested `ingested`; whatever it started is stopped at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bongsu-assistant-")))
        server = stack.enter_context(postgres())
        chroma = Chroma(folder)
        stack.callback(chroma.stop)
        chroma.start()
        primary = stack.enter_context(running("bongsu.local.provider", "--port", "0", "--name", "primary"))
        secondary = stack.enter_context(running("bongsu.local.provider", "--port", "0", "--name", "secondary"))
        search = stack.enter_context(running("bongsu.local.search", "--port", "0", "--corpus", str(CORPUS / "web")))
        key_file = folder / "api-key"
        key_file.touch(mode=0o600)
        key_file.write_text(secrets.token_urlsafe(32), encoding="utf-8")
        api_port, worker_port = free_port(), free_port()
        env = {
            **os.environ,
            "DATABASE_URL": server.create_database("assistant"),
            "CHROMA_URL": chroma.url,
            "OPENAI_BASE_URL": f"{primary.url}/v1",
            "OPENAI_SECONDARY_BASE_URL": f"{secondary.url}/v1",
            "OPENAI_API_KEY": "local",
            "SEARCH_URL": search.url,
            "RESEARCH_ASSISTANT_API_URL": f"http://127.0.0.1:{api_port}",
            "RESEARCH_ASSISTANT_API_KEY_FILE": str(key_file),
            "RESEARCH_ASSISTANT_LEASE_SECONDS": "3",
            **variables,
        }
        made = Assistant(folder, env, server, chroma, primary, secondary)
        made.call("migrate")
        made.call("keys", "add", "test", "--key-file", str(key_file))
        if ingested:
            made.call("ingest", *map(str, ingested))
        stack.callback(lambda: [stop(process) for process in made.processes.values()])  # type: ignore[arg-type]
        made.start("api", "api", "--port", str(api_port))
        made.start("worker", "worker", "--metrics-port", str(worker_port))
        for name, url in (("api", f"{made.url}/readyz"), ("worker", f"http://127.0.0.1:{worker_port}/healthz")):
            eventually(partial(made.is_up, name, url), START_SECONDS)
        yield made
