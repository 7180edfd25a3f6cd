"""Ask a running Prometheus which selectors find series: two or three small instant queries each, all within bounds.

`count()` answers one number whatever the cardinality, on every version; the `/api/v1/series` of
Prometheus 2.42 has no `limit`.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx

from bongsu.checks.model import Seen
from bongsu.core.errors import StateError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bongsu.checks.online_no_series import Question

PAST = "1d"
"""How long ago a series may have ended and still counts as there: a nightly job, a deployment in between."""
_AT_ONCE, _ASK_SECONDS, _ALL_SECONDS, _MAX_BYTES = 8, 10.0, 300.0, 100_000


async def seen(url: str, questions: Iterable[Question], told: Callable[[int], None]) -> dict[str, Seen]:
    """Return selector text to what the Prometheus at `url` has for it; `told` hears how many are answered.

    Raise UnreachableError when nobody, or no Prometheus, answers within 10 s a query and 5 minutes in all, StateError
    when it refuses a query.
    """
    found: dict[str, Seen] = {}
    waiting: asyncio.Queue[Question] = asyncio.Queue()
    for question in questions:
        waiting.put_nowait(question)

    async def work(client: httpx.AsyncClient) -> None:
        while not waiting.empty():
            question = waiting.get_nowait()
            found[question.text] = await _seen(client, question)
            told(len(found))

    try:
        async with (
            asyncio.timeout(_ALL_SECONDS),
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=_ASK_SECONDS) as client,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(_AT_ONCE):
                group.create_task(work(client))
    except TimeoutError:
        what = f"{len(found)} selectors answered after {_ALL_SECONDS:.0f} s, {waiting.qsize()} left"
        raise UnreachableError(what, where=url, next="ask again when it is less busy") from None
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return found


async def _seen(client: httpx.AsyncClient, question: Question) -> Seen:
    if await _any(client, question.text):
        return Seen(question.name, selects=True, exists=True)
    if not question.matchers or not await _any(client, question.name):
        return Seen(question.name, selects=False, exists=False)
    alone = [one for one in question.matchers if not await _any(client, f"{question.name}{{{one}}}")]
    return Seen(question.name, selects=False, exists=True, empty=tuple(alone))


async def _any(client: httpx.AsyncClient, selector: str) -> bool:
    """Tell whether a selector finds a series now or, asked only when there is none, found one within the past day."""
    return bool(
        await _instant(client, f"count({selector})")
        or await _instant(client, f"count(present_over_time({selector}[{PAST}]))")
    )


async def _instant(client: httpx.AsyncClient, query: str) -> list[Any]:
    where = str(client.base_url).rstrip("/")
    body = b""
    try:
        async with client.stream("POST", "/api/v1/query", data={"query": query}) as answer:
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > _MAX_BYTES:
                    break
        content = json.loads(body)
        status, result = content["status"], content.get("data", {}).get("result")
    except httpx.HTTPError as error:
        what = f"{type(error).__name__} {error}".rstrip()
        raise UnreachableError(what, where=where, next="is Prometheus there?") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        what = f"answers {answer.status_code}, and not like a Prometheus"
        raise UnreachableError(what, where=where, next="pass the address that has /api/v1/query") from None
    if status != "success" or not isinstance(result, list):
        raise StateError(f"Prometheus refuses {query}: {content.get('error', answer.status_code)}", where=where)
    return result
