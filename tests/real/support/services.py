"""What the real graph needs besides PostgreSQL, for tests that start workers themselves."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.real.support.assistant import CORPUS, SCRIPT, Chroma
from tests.real.support.stand_ins import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def services() -> Iterator[dict[str, str]]:
    """Run Chroma, a local provider and the local search; yield the variables that point at them."""
    provider = running("bongsu.local.provider", "--port", "0")
    search = running("bongsu.local.search", "--port", "0", "--corpus", str(CORPUS / "web"))
    with tempfile.TemporaryDirectory(prefix="bongsu-chroma-") as folder, provider as llm, search as web:
        chroma = Chroma(Path(folder))
        chroma.start()
        try:
            yield {
                "CHROMA_URL": chroma.url,
                "OPENAI_BASE_URL": f"{llm.url}/v1",
                "OPENAI_API_KEY": "local",
                "SEARCH_URL": web.url,
            }
        finally:
            chroma.stop()


def ingest(variables: Mapping[str, str]) -> None:
    """Ingest the shipped articles by the workload's own command."""
    argv = [str(SCRIPT), "ingest", str(CORPUS / "articles")]
    subprocess.run(argv, env={**os.environ, **variables}, check=True, stdout=subprocess.DEVNULL)
