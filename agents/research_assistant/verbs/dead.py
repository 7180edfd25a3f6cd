"""dead and cancel: what an operator does to runs that failed, or that shall not go on."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bongsu.core.conventions import ERROR_KINDS
from bongsu.core.errors import UsageError
from research_assistant import letters, runs
from research_assistant.settings import Settings
from research_assistant.verbs.store import open_store

if TYPE_CHECKING:
    from argparse import Namespace

NEEDS = ("DATABASE_URL",)
QUESTION_CHARS = 60


async def show_all(args: Namespace) -> int:
    """Print the newest dead letters, one a line; 0 also when there are none."""
    _require_kind(args.kind)
    async with open_store(Settings.from_env(needs=NEEDS)) as pool:
        for letter in await letters.newest(pool, kind=args.kind, limit=args.limit):
            question = " ".join(letter["question"].split())[:QUESTION_CHARS]
            when = letter["finished_at"].isoformat(timespec="seconds")
            tried = f"{letter['tries'] + 1} tries" if letter["tries"] else "1 try"
            print(letter["id"], when, letter["priority"], tried, letter["error_kind"], question, sep="  ")
    return 0


async def show(args: Namespace) -> int:
    """Print a run and its ledger as JSON; 1 when there is no such run."""
    run_id = _id(args.id)
    async with open_store(Settings.from_env(needs=NEEDS)) as pool:
        run = await runs.get(pool, run_id)
        if run is None:
            raise _unknown(args.id)
        events = await letters.history(pool, run_id)
    content = {
        "id": str(run.id),
        "state": run.state,
        "tenant": run.tenant,
        "priority": run.priority,
        "question": run.question,
        "tries": run.tries + 1,
        "error": {"kind": run.error_kind, "detail": run.error_detail} if run.error_kind else None,
        "submitted_at": run.submitted_at,
        "finished_at": run.finished_at,
        "history": [{key: value for key, value in event.items() if value is not None} for event in events],
    }
    print(json.dumps(content, ensure_ascii=False, indent=2, default=_text))
    return 0


async def replay(args: Namespace) -> int:
    """Queue the named dead letters again, or all of a kind; print each id."""
    _require_kind(args.kind)
    if bool(args.ids) == bool(args.kind):
        raise UsageError("name either ids or a kind", where="dead replay", next="see `research-assistant dead list`")
    ids = [_id(text) for text in args.ids]
    async with open_store(Settings.from_env(needs=NEEDS)) as pool:
        if args.kind:
            ids = [letter["id"] for letter in await letters.newest(pool, kind=args.kind)]
        for run_id in ids:
            await runs.replay(pool, run_id)
            print(run_id)
    return 0


async def cancel(args: Namespace) -> int:
    """Cancel a run and print the state it is in then: `running` means that its worker ends it within a second."""
    async with open_store(Settings.from_env(needs=NEEDS)) as pool:
        print(await runs.cancel(pool, _id(args.id)))
    return 0


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _unknown(text) from None


def _unknown(text: str) -> UsageError:
    return UsageError("there is no such run", where=text, next="take an id from `research-assistant dead list`")


def _require_kind(kind: str | None) -> None:
    if kind is not None and kind not in ERROR_KINDS:
        raise UsageError(f"unknown kind {kind!r}", where="--kind", next=f"one of {', '.join(ERROR_KINDS)}")


def _text(value: Any) -> str:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else str(value)
