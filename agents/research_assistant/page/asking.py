"""Ask a question, and see those asked before."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from research_assistant.api.schema import MAX_QUESTION_CHARS
from research_assistant.page.inside import ApiRefusal, Inside
from research_assistant.page.visit import Visit, go, once, text_of

if TYPE_CHECKING:
    from starlette.responses import Response

LATEST = 10
_ONCE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHOWN_BESIDE_THE_FORM = {
    HTTPStatus.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
}
"""With these the question is still worth sending: it stays in the form."""


async def show(visit: Visit) -> Response:
    """Show the form and the latest questions; a key that may only ask sees none."""
    try:
        return _page(visit, await _latest(visit.api))
    except ApiRefusal as refusal:
        if refusal.status != HTTPStatus.FORBIDDEN:
            raise
        return _page(visit, [])


async def ask(visit: Visit) -> Response:
    """Hand the question in and show its run; in a session of its own unless it follows another."""
    async with visit.form() as fields:
        question, session, key = (text_of(fields, name) for name in ("question", "session", "once"))
    headers = {"Idempotency-Key": key if _ONCE.fullmatch(key) else once()}
    try:
        content = {"question": question, "session_id": session or await _new_session(visit.api)}
        run = await visit.api.call("POST", "/v1/runs", content, headers=headers)
    except ApiRefusal as refusal:
        if refusal.status == HTTPStatus.CONFLICT and (earlier := await _asked_before(visit.api, question)):
            return go(f"/runs/{earlier}")
        if refusal.status not in _SHOWN_BESIDE_THE_FORM:
            raise
        return _page(visit, [], refusal.status, question, visit.says(refusal))
    return go(f"/runs/{run['id']}")


async def _new_session(api: Inside) -> str:
    created = await api.call("POST", "/v1/sessions")
    return str(created["id"])


async def _asked_before(api: Inside, question: str) -> str:
    """Return the run of a form that was sent twice: its second session is another, so the API sees a conflict."""
    return next((run["id"] for run in await _latest(api) if run["question"] == question.strip()), "")


async def _latest(api: Inside) -> list[dict[str, Any]]:
    listed = await api.get(f"/v1/runs?limit={LATEST}")
    return in_short(listed["items"])


def in_short(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what a list of runs shows of each."""
    return [
        {"id": run["id"], "question": run["question"], "state": run["state"], "submitted_at": _submitted_at(run)}
        for run in runs
    ]


def _submitted_at(run: dict[str, Any]) -> str:
    return str(run["timings"]["submitted_at"])


def _page(
    visit: Visit, runs: list[dict[str, Any]], status: int = 200, question: str = "", message: str = ""
) -> Response:
    return visit.page(
        "ask.html",
        status,
        runs=runs,
        question=question,
        message=message,
        once=once(),
        max_chars=MAX_QUESTION_CHARS,
    )
