"""Ask the golden question and check the answer: exit 0 means that the system answers truly."""

from __future__ import annotations

import asyncio
import html
import json
import re
import time
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from bongsu.core.errors import BongsuError
from research_assistant import golden
from research_assistant.citations import normalised
from research_assistant.client import TIMEOUT, open_api

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping, Sequence

    from research_assistant.client import Api

DEADLINE_SECONDS = 50.0
MIN_CITATIONS = 2
MAX_SOURCE_BYTES = 2_000_000

_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]+>", re.DOTALL | re.IGNORECASE)
_LINE_PREFIX = re.compile(r"^[ \t]*(?:>[ \t]?)*(?:[-*+]|\d{1,3}[.)])?[ \t]+", re.MULTILINE)


async def run(_args: Namespace) -> int:
    """Print one JSON line {ok, reason, seconds}; return 0 when the answer is true, 1 when it is not."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS), httpx.AsyncClient(timeout=TIMEOUT) as http:
            reason = await _reason(open_api(http))
    except TimeoutError:
        reason = f"no verdict within {DEADLINE_SECONDS:g} s"
    except BongsuError as error:
        reason = str(error)
    seconds = round(time.perf_counter() - started, 3)
    print(json.dumps({"ok": not reason, "reason": reason or "answered truly", "seconds": seconds}, ensure_ascii=False))
    return 1 if reason else 0


async def _reason(api: Api) -> str:
    """Return why the system does not answer truly; an empty string when it does."""
    asked = golden.load()[0]
    run = await api.wait(await api.submit(asked.question), DEADLINE_SECONDS)
    if run["state"] != "done":
        error = run["error"] or {}
        return f"the run is {run['state']}: {error.get('kind', '')} {error.get('detail', '')}".strip()
    if missing := sorted(word for word in asked.words if word.casefold() not in run["answer"].casefold()):
        return f"the answer lacks the expected word {', '.join(missing)}"
    return await _wrong_citation(api, run["citations"], asked.sources)


async def _wrong_citation(api: Api, citations: Sequence[Mapping[str, Any]], expected: Sequence[str]) -> str:
    """Return what is wrong with the citations of an answer; an empty string when nothing is."""
    if len(citations) < MIN_CITATIONS:
        return f"{len(citations)} citation(s), fewer than {MIN_CITATIONS}"
    cited: set[str] = set()
    for citation in citations:
        status, stem, text = await _fetch(api, citation)
        if status != HTTPStatus.OK:
            return f"citation {citation['number']} does not resolve: {citation['url']} answers {status}"
        if not holds(text, citation["quote"]):
            return f"citation {citation['number']}: the quote does not stand in {citation['url']}"
        cited.add(stem)
    missing = sorted(set(expected) - cited)
    return f"the expected source {', '.join(missing)} is not cited" if missing else ""


async def _fetch(api: Api, citation: Mapping[str, Any]) -> tuple[int, str, str]:
    """Return status, file stem and text of a cited source; the key goes to our own API only."""
    url = str(citation["url"])
    own = url.startswith(f"{api.url}/")
    headers = {**api.headers, "Accept": "application/json"} if own else {}
    try:
        async with api.http.stream("GET", url, headers=headers) as response:
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MAX_SOURCE_BYTES:
                    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "", ""
    except httpx.HTTPError:
        return 0, "", ""
    text = body.decode("utf-8", "replace")
    if own and response.is_success:
        document = json.loads(text)
        return response.status_code, PurePosixPath(document["source"]).stem, document["text"]
    return response.status_code, PurePosixPath(urlsplit(url).path).stem, html.unescape(_TAG.sub(" ", text))


def holds(text: str, quote: str) -> bool:
    """Tell whether a quote stands in a source, whatever its line breaks, list marks and markup."""
    wanted = normalised(quote)
    return bool(wanted) and wanted in normalised(_LINE_PREFIX.sub("", text))
