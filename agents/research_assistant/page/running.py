"""One run: its agents at work, its answer, the sources behind it, feedback."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as percent_encoded
from urllib.parse import urlsplit
from uuid import UUID

from research_assistant import runs
from research_assistant.api.schema import MAX_FEEDBACK_CHARS, MAX_QUESTION_CHARS
from research_assistant.page import ledger, quote, timeline
from research_assistant.page.answer import answer_html
from research_assistant.page.asking import in_short
from research_assistant.page.inside import ApiRefusal
from research_assistant.page.visit import Handler, Visit, go, once, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from research_assistant.db import Pool

REFRESH_SECONDS = 2
_LIVE = ("event.", "node.", "state.", "step.", "run.after", "run.seconds", "run.ready", "run.over", "run.lost")
"""The words that the live view needs."""
_OWN = re.compile(r"/v1/documents/([0-9a-fA-F-]{36})")


def show(pool: Pool) -> Handler:
    """Return the handler of a run's page."""

    async def handler(visit: Visit) -> Response:
        run = await visit.api.get(_path(visit))
        run_id = UUID(run["id"])
        moments, usd = await ledger.moments(pool, run_id), await ledger.usd(pool, run_id)
        return visit.page(
            "run.html", **_values(visit, run, timeline.rows(moments), usd), earlier=await _earlier(visit, run)
        )

    return handler


def _values(visit: Visit, run: dict[str, Any], rows: list[timeline.Row], usd: float) -> dict[str, Any]:
    query, seconds = visit.request.query_params, run["timings"]["seconds"]
    texts = visit.words.texts
    return {
        "run": run,
        "final": run["state"] in runs.FINAL,
        "rows": rows,
        "seconds": f"{seconds:.1f}" if seconds is not None else None,
        "usd": f"{usd:.4f}" if usd else None,
        "answer": answer_html(run["answer"], _numbers(run)) if run["answer"] else "",
        "failure": visit.words.one_of("failure", run["error"]["kind"]) if run["error"] else "",
        "sources": [_source(run, citation) for citation in run["citations"]],
        "live_words": {key: text for key, text in texts.items() if key.startswith(_LIVE)},
        "refresh_seconds": REFRESH_SECONDS,
        "still": bool(query.get("still")),
        "thanks": bool(query.get("thanks")),
        "message": "",
        "once": once(),
        "max_chars": MAX_QUESTION_CHARS,
        "max_feedback": MAX_FEEDBACK_CHARS,
    }


async def _earlier(visit: Visit, run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the questions of the run's session that came before it, the latest first."""
    if not run["session_id"]:
        return []
    try:
        session = await visit.api.get(f"/v1/sessions/{run['session_id']}")
    except ApiRefusal as refusal:
        if refusal.status != HTTPStatus.NOT_FOUND:
            raise
        return []  # retention took it meanwhile
    asked = run["timings"]["submitted_at"]
    return [one for one in in_short(session["items"]) if one["submitted_at"] < asked]


def _source(run: Mapping[str, Any], citation: Mapping[str, Any]) -> dict[str, Any]:
    own = document_id(citation)
    href = f"/runs/{run['id']}/sources/{citation['number']}#quote" if own else ""
    return {
        "number": citation["number"],
        "title": citation["title"],
        "quote": citation["quote"],
        "kind": "document" if own else "web",
        "href": href or quote.web_address(citation["url"], citation["quote"]),
    }


def document_id(citation: Mapping[str, Any]) -> str:
    """Return the id of the document of ours that is cited, "" for a page of the web."""
    match = _OWN.fullmatch(urlsplit(citation["url"]).path) if citation["source"] == "documents" else None
    return match[1] if match else ""


async def source(visit: Visit) -> Response:
    """Show a cited document, its quote marked."""
    run = await visit.api.get(_path(visit))
    wanted = visit.request.path_params["number"]
    citation = next((one for one in run["citations"] if str(one["number"]) == wanted and document_id(one)), None)
    if citation is None:
        raise ApiRefusal(HTTPStatus.NOT_FOUND)
    document = await visit.api.get(f"/v1/documents/{document_id(citation)}")
    marked = quote.mark(document["text"], citation["quote"])
    return visit.page("source.html", run=run, citation=citation, document=document, marked=marked)


async def cancel(visit: Visit) -> Response:
    """Cancel the run and show what became of it."""
    await visit.api.call("DELETE", _path(visit))
    return go(f"/runs/{_id(visit)}")


async def feedback(visit: Visit) -> Response:
    """Store what the reader thinks of the answer."""
    async with visit.form() as fields:
        score, text = text_of(fields, "score"), text_of(fields, "text")
    content = {"score": int(score) if re.fullmatch("[1-5]", score) else 0, "text": text}
    await visit.api.call("POST", f"{_path(visit)}/feedback", content)
    return go(f"/runs/{_id(visit)}", thanks="1")


def _path(visit: Visit) -> str:
    return f"/v1/runs/{_id(visit)}"


def _id(visit: Visit) -> str:
    return percent_encoded(visit.request.path_params["run_id"], safe="")


def _numbers(run: Mapping[str, Any]) -> frozenset[int]:
    return frozenset(citation["number"] for citation in run["citations"])
