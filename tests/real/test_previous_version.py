"""Two versions side by side: the code from before a migration works on the schema after it, beside today's."""

from __future__ import annotations

import io
import signal
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.real.support.assistant import CORPUS, Assistant, answers, running_assistant
from tests.real.support.pg import free_port
from tests.real.support.previous import COPY, FIRST, Previous, archive, parent_of, previous_versions
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUESTION = "What is an error budget?"


@pytest.fixture(scope="module")
def both() -> Iterator[Assistant]:
    """Give a research assistant of today on a migrated database."""
    with running_assistant(CORPUS / "articles") as started:
        yield started


class Old:
    """An API and a worker of an earlier version on the same database."""

    def __init__(self, today: Assistant, version: Previous, folder: Path) -> None:
        self.today, self.name = today, str(version)
        self.worker: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{free_port()}"
        self.path = {"PYTHONPATH": f"{folder / 'agents'}:{folder}", "RESEARCH_ASSISTANT_API_URL": today.url}
        self.api = today.start(f"api-{version}", "api", "--port", self.url.rsplit(":", 1)[1], **self.path)
        until(lambda: answers(f"{self.url}/healthz"), f"the API {version} answers")

    def start_worker(self) -> subprocess.Popen[bytes]:
        port = free_port()
        self.worker = self.today.start(f"worker-{self.name}", "worker", "--metrics-port", str(port), **self.path)
        until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), f"the worker {self.name} works")
        return self.worker

    def submit(self) -> str:
        reply = self.today.http("POST", f"{self.url}/v1/runs", b'{"question": "%s"}' % QUESTION.encode())
        assert reply.status == 202, reply.body
        return str(reply.json["id"])

    def show(self, run_id: str) -> Any:
        return self.today.http("GET", f"{self.url}/v1/runs/{run_id}").json

    def stop(self) -> None:
        for process in (self.api, self.worker):
            if process is not None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(40) == 0


def answered(run: Any) -> bool:
    assert run["state"] in {"queued", "running", "done"}, run
    return run["state"] == "done" and bool(run["answer"]) and bool(run["citations"])


def stop_worker(assistant: Assistant) -> None:
    process = assistant.processes.pop("worker")
    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0


def start_worker(assistant: Assistant) -> None:
    port = free_port()
    assistant.start("worker", "worker", "--metrics-port", str(port))
    until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "today's worker works")


def versions() -> list[Any]:
    """Return the version before the newest migration, and as long stories those before the others."""
    *earlier, newest = previous_versions()
    return [newest, *(pytest.param(version, marks=pytest.mark.long) for version in earlier)]


@pytest.mark.parametrize("version", versions(), ids=str)
def test_the_code_from_before_a_migration_works_on_todays_schema_beside_todays(
    both: Assistant, version: Previous, tmp_path: Path
) -> None:
    version.unpack(tmp_path)
    old = Old(both, version, tmp_path)
    try:
        worker = old.start_worker()
        stop_worker(both)
        theirs, ours = old.submit(), both.submit(QUESTION).json["id"]  # only the old worker is there
        until(lambda: answered(old.show(theirs)), "the old worker answers the old API's question")
        until(lambda: answered(both.http("GET", f"/v1/runs/{ours}").json), "the old worker answers today's question")
        start_worker(both)
        many = [submit() for _ in range(4) for submit in (old.submit, lambda: both.submit(QUESTION).json["id"])]
        until(lambda: all(answered(old.show(run)) for run in many), "both answer what both were asked")
        worker.send_signal(signal.SIGTERM)
        worker.wait(40)
        last = old.submit()
        until(lambda: answered(old.show(last)), "today's worker answers the old API's question")
    finally:
        old.stop()


def test_the_committed_copy_is_what_git_has() -> None:
    commit = parent_of(FIRST)
    if not commit:  # a clone without history: the test above has just run the copy
        assert previous_versions() == [Previous(FIRST[1:5], "")]
        return
    assert contents(COPY.read_bytes()) == contents(archive(commit))


def contents(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        return {m.name: stream.read() for m in files if (stream := files.extractfile(m)) is not None}


def test_a_version_that_cannot_live_with_the_schema_is_noticed(both: Assistant, tmp_path: Path) -> None:
    broken = Previous(FIRST[1:5], "")
    broken.unpack(tmp_path)
    runs = tmp_path / "agents/research_assistant/runs.py"
    text = runs.read_text(encoding="utf-8")
    assert "INSERT INTO runs (id, owner," in text
    runs.write_text(text.replace("INSERT INTO runs (id, owner,", "INSERT INTO runs (id, holder,"), encoding="utf-8")
    old = Old(both, broken, tmp_path)
    try:
        with pytest.raises(AssertionError, match="500"):
            old.submit()
    finally:
        old.stop()


def test_an_api_is_ready_on_a_newer_schema_and_not_on_an_older_one(both: Assistant) -> None:
    with psycopg.connect(both.env["DATABASE_URL"], autocommit=True) as conn:
        (found,) = conn.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
        seen = {}
        for revision in ("9999", "0100", found):
            conn.execute("UPDATE alembic_version SET version_num = %s", (revision,))
            seen[revision] = both.http("GET", "/readyz", key=None).status
    assert seen == {"9999": 200, "0100": 503, found: 200}
