"""Judge answers as a reader would: the run is done, and every citation leads to a page on which its quote stands."""

from __future__ import annotations

import asyncio
import html
import json
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from bongsu.core.errors import BongsuError
from research_assistant.citations import normalised
from research_assistant.client import TIMEOUT, open_api

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from research_assistant.client import Api

DEADLINE_SECONDS = 50.0
MAX_SOURCE_BYTES = 2_000_000

_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]+>", re.DOTALL | re.IGNORECASE)
_LINE_PREFIX = re.compile(r"^[ \t]*(?:>[ \t]?)*(?:[-*+]|\d{1,3}[.)])?[ \t]+", re.MULTILINE)


async def judge(reason_of: Callable[[Api], Awaitable[str]], **more: Any) -> int:
    """Print one JSON line {ok, reason, seconds, ...more}; return 0 when `reason_of` the API gives no reason, else 1."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS), httpx.AsyncClient(timeout=TIMEOUT) as http:
            reason = await reason_of(open_api(http))
    except TimeoutError:
        reason = f"no verdict within {DEADLINE_SECONDS:g} s"
    except BongsuError as error:
        reason = str(error)
    seconds = round(time.perf_counter() - started, 3)
    line = {"ok": not reason, "reason": reason or "answered truly", "seconds": seconds, **more}
    print(json.dumps(line, ensure_ascii=False))
    return 1 if reason else 0


async def answer(api: Api, question: str, words: Sequence[str]) -> tuple[Mapping[str, Any], str]:
    """Ask; return the run, and why it is no answer that holds all the words (an empty string when it is one)."""
    run = await api.wait(await api.submit(question), DEADLINE_SECONDS)
    if run["state"] != "done":
        error = run["error"] or {}
        return run, f"the run is {run['state']}: {error.get('kind', '')} {error.get('detail', '')}".strip()
    missing = sorted(word for word in words if word.casefold() not in run["answer"].casefold())
    return run, f"the answer lacks the expected word {', '.join(missing)}" if missing else ""


async def sources(api: Api, citations: Sequence[Mapping[str, Any]]) -> tuple[set[str], str]:
    """Return what is cited (the source of a document, the path of a page), and what is wrong with the first bad one."""
    cited: set[str] = set()
    for citation in citations:
        status, source, text = await _fetch(api, citation)
        if status != HTTPStatus.OK:
            return cited, f"citation {citation['number']} does not resolve: {citation['url']} answers {status}"
        if not holds(text, citation["quote"]):
            return cited, f"citation {citation['number']}: the quote does not stand in {citation['url']}"
        cited.add(source)
    return cited, ""


def holds(text: str, quote: str) -> bool:
    """Tell whether a quote stands in a source, whatever its line breaks, list marks and markup."""
    wanted = normalised(quote)
    return bool(wanted) and wanted in normalised(_LINE_PREFIX.sub("", text))


async def _fetch(api: Api, citation: Mapping[str, Any]) -> tuple[int, str, str]:
    """Return status, source and text of what is cited; the key goes to our own API only."""
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
        return response.status_code, document["source"], document["text"]
    return response.status_code, urlsplit(url).path, html.unescape(_TAG.sub(" ", text))
