"""What the research assistant's real graph needs besides PostgreSQL: Chroma, the local provider and the local search."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.real.support.pg import free_port
from tests.real.support.stand_ins import ROOT, START_SECONDS, running, stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCRIPTS = Path(sys.executable).parent
CORPUS = ROOT / "agents" / "research_assistant" / "corpus"


@contextmanager
def services() -> Iterator[dict[str, str]]:
    """Yield the variables that point at fresh services."""
    provider = running("bongsu.local.provider", "--port", "0")
    search = running("bongsu.local.search", "--corpus", str(CORPUS / "web"), "--port", "0")
    with chroma() as chroma_url, provider as llm, search as web:
        yield {
            "CHROMA_URL": chroma_url,
            "OPENAI_BASE_URL": f"{llm.url}/v1",
            "OPENAI_API_KEY": "any",
            "SEARCH_URL": web.url,
        }


@contextmanager
def chroma() -> Iterator[str]:
    """Run a Chroma server on a folder of its own and yield its URL."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    with tempfile.TemporaryDirectory(prefix="bongsu-chroma-") as folder:
        argv = [str(SCRIPTS / "chroma"), "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, text=True)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(f"{url}/api/v2/heartbeat"):
                assert process.poll() is None, "Chroma ended"
                assert time.monotonic() < deadline, f"Chroma does not answer within {START_SECONDS} s"
                time.sleep(0.05)
            yield url
        finally:
            stop(process)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def ingest(environ: Mapping[str, str]) -> None:
    """Ingest the shipped articles by the workload's own command."""
    argv = [str(SCRIPTS / "research-assistant"), "ingest", str(CORPUS / "articles")]
    subprocess.run(argv, env={"PATH": "/usr/bin:/bin", **environ}, check=True, stdout=subprocess.DEVNULL)
