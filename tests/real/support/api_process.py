"""The API as a process of its own over a database, without the worker, Chroma and the providers: for wire tests."""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.real.support.assistant import SCRIPT, answers
from tests.real.support.pg import Postgres, free_port
from tests.real.support.stand_ins import ROOT
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

NOWHERE = "http://127.0.0.1:9"
"""The discard port: nobody listens, and nothing of a request is answered by what should stand there."""


@dataclass(frozen=True, slots=True)
class ApiProcess:
    """A running API: where it listens, one key, its log."""

    url: str
    key: str
    log: Path


@contextmanager
def api_process(server: Postgres, database: str, **variables: str) -> Iterator[ApiProcess]:
    """Yield an API over a fresh database with one key of every scope but admin; it is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="bongsu-api-") as name:
        folder = Path(name)
        key_file = folder / "key"
        key_file.write_text(secrets.token_urlsafe(32), encoding="utf-8")
        port = free_port()
        env = {
            **os.environ,
            "DATABASE_URL": server.create_database(database),
            "CHROMA_URL": NOWHERE,
            "OPENAI_BASE_URL": NOWHERE,
            "OPENAI_API_KEY": "none",
            "SEARCH_URL": NOWHERE,
            **variables,
        }
        for argv in (["migrate"], ["keys", "add", "tester", "--key-file", str(key_file)]):
            subprocess.run([str(SCRIPT), *argv], env=env, cwd=ROOT, check=True, timeout=120, capture_output=True)
        log = folder / "log"
        with log.open("wb") as out:
            process = subprocess.Popen([str(SCRIPT), "api", "--port", str(port)], env=env, stdout=out, stderr=out)
        try:
            url = f"http://127.0.0.1:{port}"
            until(lambda: answers(f"{url}/readyz"), "the API is ready")
            yield ApiProcess(url, key_file.read_text(encoding="utf-8"), log)
        finally:
            process.terminate()
            process.wait(timeout=30)
