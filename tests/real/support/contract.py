"""The OpenAPI document against the API that runs: schemathesis with all its checks, and what it saw on the wire."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.real.support.stand_ins import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
CONFIG = ROOT / "tests/real/support/schemathesis.toml"
BOUNDS = ("--seed", "1", "--no-shrink", "--continue-on-failure", "--request-timeout", "10")


@dataclass(slots=True)
class Seen:
    """What schemathesis did: its exit code and words, the answers it got by endpoint and status, checks that failed."""

    code: int
    said: str
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def cases(self) -> int:
        """Return how many requests were sent."""
        return self.answers.total()

    @property
    def endpoints(self) -> set[str]:
        """Return the endpoints that were asked, as `METHOD /path`."""
        return {endpoint for endpoint, _ in self.answers}

    @property
    def server_errors(self) -> int:
        """Return how many answers were 5xx, or never came (status 0)."""
        return sum(n for (_, status), n in self.answers.items() if not 0 < status < HTTPStatus.INTERNAL_SERVER_ERROR)


def wide(folder: Path) -> dict[str, str]:
    """Return the settings of an API that refuses nobody for asking much; a file of them lies in `folder`."""
    limit = {"waiting_seconds": 1e6, "depth": 10**6}
    admission = folder / "admission.json"
    admission.write_text(json.dumps({"shed": {"batch": limit, "interactive": limit}}), encoding="utf-8")
    more = {"REQUESTS_PER_MINUTE": "1000000", "TENANT_DOCUMENTS": "100000", "ADMISSION_FILE": str(admission)}
    return {f"RESEARCH_ASSISTANT_{name}": value for name, value in more.items()}


def look(folder: Path, url: str, key: str, *, examples: int, seconds: int) -> Seen:
    """Let schemathesis try `examples` of each kind for at most so many seconds; it leaves its files in `folder`."""
    events = folder / "events.ndjson"
    argv = [str(SCHEMATHESIS), "--config-file", str(CONFIG), "run", f"{url}/openapi.json"]
    argv += ["-H", f"Authorization: Bearer {key}", "-n", str(examples), "--max-time", str(seconds), *BOUNDS]
    argv += ["--generation-database", "none", "--report", "ndjson", "--report-ndjson-path", str(events)]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=folder, timeout=seconds + 135, check=False)
    seen = Seen(done.returncode, done.stdout)
    for line in events.read_text(encoding="utf-8").splitlines() if events.exists() else ():
        seen.answers.update(_answers(_recorded(line)))
        seen.failed.update(_failed(_recorded(line)))
    return seen


def _recorded(line: str) -> dict[str, Any]:
    """Return what was recorded of a scenario; of any other event nothing."""
    recorded: dict[str, Any] = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
    return recorded


def _endpoint(recorded: dict[str, Any], case: str) -> str:
    value = recorded["cases"][case]["value"]
    return f"{value['method']} {value['path']}"


def _answers(recorded: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for case, sent in recorded.get("interactions", {}).items():
        answer = sent.get("response")
        yield _endpoint(recorded, case), int(answer["status_code"]) if answer else 0


def _failed(recorded: dict[str, Any]) -> Iterable[tuple[str, str]]:
    return [
        (_endpoint(recorded, case), check["name"])
        for case, checks in recorded.get("checks", {}).items()
        for check in checks
        if check["status"] == "failure"
    ]
