"""Ask the running system for one marker and check that the answer comes from that marker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research_assistant import verdict
from research_assistant.markers import marker

if TYPE_CHECKING:
    from argparse import Namespace

    from research_assistant.client import Api


async def run(args: Namespace) -> int:
    """Print one JSON line {ok, reason, seconds}; return 0 when the marker answers, 1 when it does not."""
    series, number = marker.checked(args.series), marker.checked_number(args.number, "--number")
    return await verdict.judge(lambda api: reason(api, series, number))


async def reason(api: Api, series: str, number: int) -> str:
    """Return why the system does not answer with this marker; an empty string when it does."""
    run, wrong = await verdict.answer(api, marker.question(series, number), [marker.payload(series, number)])
    if wrong:
        return wrong
    cited, wrong = await verdict.sources(api, run["citations"])
    source = marker.source(series, number)
    return wrong or ("" if source in cited else f"{source} is not cited")
