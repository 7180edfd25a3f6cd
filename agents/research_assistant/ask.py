"""Ask one question and print the cited answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx

from research_assistant.client import TIMEOUT, open_api

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

WAIT_SECONDS = 180.0
"""A run's deadline (120 s) and a lease on top: a worker that died in between costs one."""


async def run(args: Namespace) -> int:
    """Print the answer of the API; return 0 only when it is done and carries at least one citation."""
    async with httpx.AsyncClient(timeout=TIMEOUT) as http:
        api = open_api(http)
        asked = await api.wait(await api.submit(args.question), WAIT_SECONDS)
    print(json.dumps(asked, ensure_ascii=False) if args.json else render(asked))
    return 0 if asked["state"] == "done" and asked["citations"] else 1


def render(run: Mapping[str, Any]) -> str:
    """Return a run as text: the answer and its numbered sources, or why there is none."""
    if run["state"] == "failed":
        return f"failed ({run['error']['kind']}): {run['error']['detail']}\nrun {run['id']}"
    if run["state"] != "done":
        return f"not finished after {WAIT_SECONDS:g} s (state {run['state']})\nrun {run['id']}"
    sources = [f"[{c['number']}] {c['title']}\n    {c['url']}" for c in run["citations"]]
    return "\n".join([run["answer"], "", *sources])
