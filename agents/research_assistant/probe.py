"""Ask the golden question, or all of them, and check the answers: exit 0 means that the system answers truly."""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bongsu.core.errors import BongsuError
from research_assistant import golden, verdict

if TYPE_CHECKING:
    from argparse import Namespace

    from research_assistant.client import Api
    from research_assistant.golden import Golden

MIN_CITATIONS = 2
"""Of the golden question, which two documents answer; of the others each expected source must be cited."""
AT_ONCE = 4


async def run(args: Namespace) -> int:
    """Print one JSON line {ok, reason, seconds}, `--all` adds `asked`; return 0 when every answer is true, else 1."""
    questions = golden.load()
    if not args.all:
        return await verdict.judge(lambda api: reason(api, questions[0], MIN_CITATIONS))
    return await verdict.judge(lambda api: _all_reasons(api, questions), asked=len(questions))


async def _all_reasons(api: Api, questions: tuple[Golden, ...]) -> str:
    """Ask a few at once; return why the answers are not true, one reason for each that is not."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(asked: Golden, at_least: int) -> str:
        async with free:
            try:
                wrong = await reason(api, asked, at_least)
            except BongsuError as error:
                wrong = str(error)
        return f"{asked.question} {wrong}" if wrong else ""

    least = [MIN_CITATIONS] + [1] * (len(questions) - 1)
    reasons = await asyncio.gather(*(one(asked, count) for asked, count in zip(questions, least, strict=True)))
    return "; ".join(filter(None, reasons))


async def reason(api: Api, asked: Golden, at_least: int) -> str:
    """Return why the system does not answer a question truly, with that many citations; an empty string if it does."""
    run, wrong = await verdict.answer(api, asked.question, asked.words)
    if wrong:
        return wrong
    if len(run["citations"]) < at_least:
        return f"{len(run['citations'])} citation(s), fewer than {at_least}"
    cited, wrong = await verdict.sources(api, run["citations"])
    missing = sorted(set(asked.sources) - {PurePosixPath(source).stem for source in cited})
    return wrong or (f"the expected source {', '.join(missing)} is not cited" if missing else "")
