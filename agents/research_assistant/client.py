"""The API as its clients see it: ask, probe and traffic know nothing else of the system."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from bongsu.core.errors import UnreachableError, UsageError
from research_assistant.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT = httpx.Timeout(20.0, connect=3.0)
FINAL = ("done", "failed", "cancelled")
NEEDS = ("RESEARCH_ASSISTANT_API_URL", "RESEARCH_ASSISTANT_API_KEY")


@dataclass(frozen=True, slots=True)
class Api:
    """One client of the API; raises UnreachableError when it does not answer, UsageError when it refuses."""

    http: httpx.AsyncClient
    url: str
    key: str

    async def submit(self, question: str) -> str:
        """Hand in a question; return the id of its run."""
        response = await self._call("POST", "/v1/runs", json={"question": question})
        return str(response["id"])

    async def wait(self, run_id: str, seconds: float) -> Mapping[str, Any]:
        """Poll until the run is final; return it as it was at last when `seconds` have passed.

        A poll that fails is no end: the run goes on without us, and an API that restarts will show it.
        """
        began = time.monotonic()
        while True:
            await asyncio.sleep(poll_pause(time.monotonic() - began))
            late = time.monotonic() - began >= seconds
            try:
                run = await self._call("GET", f"/v1/runs/{run_id}")
            except UnreachableError:
                if late:
                    raise
                continue
            if late or run["state"] in FINAL:
                return run

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that prove who we are."""
        return {"Authorization": f"Bearer {self.key}"}

    async def _call(self, method: str, path: str, **arguments: Any) -> Mapping[str, Any]:
        try:
            response = await self.http.request(method, f"{self.url}{path}", headers=self.headers, **arguments)
            content = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise UnreachableError(
                f"the API does not answer ({type(error).__name__})",
                where=f"{self.url}{path}",
                next="check that it runs and that RESEARCH_ASSISTANT_API_URL is right",
            ) from error
        if response.is_success and isinstance(content, dict):
            return content
        detail = content.get("detail", "") if isinstance(content, dict) else "not in its own words"
        refused = UsageError if response.is_client_error else UnreachableError
        raise refused(f"the API answered {response.status_code}: {detail}", where=f"{self.url}{path}")


def poll_pause(age: float) -> float:
    """Return how long to wait before the next poll of a run of this age, in seconds.

    50 ms at first, 250 ms from a third of a second on, a twentieth of the age after five seconds, at most 2 s: a few
    hundred slow runs must not keep the API busy with polls.
    """
    return min(2.0, max(0.05, min(0.25, 0.7 * age), age / 20))


def open_api(http: httpx.AsyncClient) -> Api:
    """Return the API that the environment names; raise UsageError for a missing variable or an unreadable key."""
    settings = Settings.from_env(needs=NEEDS)
    path = Path(settings.api_key_file)
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the API key cannot be read ({type(error).__name__})",
            where=str(path),
            next="let RESEARCH_ASSISTANT_API_KEY_FILE name the file that `research-assistant keys add` was given",
        ) from error
    return Api(http, settings.api_url, key)
