"""Sign in, sign out, and the files beside the HTML."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of the routes
from starlette.responses import Response

from research_assistant.page import session
from research_assistant.page.assets import ASSETS
from research_assistant.page.headers import FOR_EVER, SECURITY
from research_assistant.page.inside import ApiRefusal, Inside
from research_assistant.page.visit import Handler, Visit, go, text_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp

NOTHING = UUID(int=0)
"""The id of no run: what the API says to it tells whether it knows the key."""


async def show_sign_in(visit: Visit) -> Response:
    """Show the form."""
    query = visit.request.query_params
    message = "sign_in.again" if query.get("again") else ""
    return _form(visit, query.get("next", "/"), message)


def sign_in(api: ASGIApp) -> Handler:
    """Return the handler that puts a key into the cookie when the API knows it."""

    async def handler(visit: Visit) -> Response:
        async with visit.form() as fields:
            key, wanted = session.usable(text_of(fields, "key")), text_of(fields, "next")
        if not key or not await _is_known(Inside.of(api, key)):
            return _form(visit, wanted, "sign_in.wrong", HTTPStatus.UNAUTHORIZED)
        response = go(session.local_path(wanted))
        session.remember(response, visit.request, key)
        return response

    return handler


async def _is_known(api: Inside) -> bool:
    try:
        await api.get(f"/v1/runs/{NOTHING}")
    except ApiRefusal as refusal:
        if refusal.status == HTTPStatus.UNAUTHORIZED:
            return False
        if refusal.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}:
            raise
    return True


def _form(visit: Visit, wanted: str, message: str, status: int = HTTPStatus.OK) -> Response:
    sent_here = visit.request.headers.get("sec-fetch-site") == "cross-site"
    return visit.page(
        "sign_in.html",
        status,
        next=session.local_path(wanted),
        message=message,
        hours=session.HOURS,
        sent_here=sent_here,
    )


async def sign_out(visit: Visit) -> Response:
    """Take the key away."""
    response = go("/sign-in")
    session.forget(response, visit.request)
    return response


async def static(request: Request) -> Response:
    """Send a file of ours to keep for ever; an address of another version leads nowhere."""
    asset = ASSETS.get(request.path_params["name"])
    if asset is None or asset.path != request.url.path:
        return Response(status_code=HTTPStatus.NOT_FOUND, headers=dict(SECURITY))
    headers = {**SECURITY, **FOR_EVER, "Content-Type": asset.media_type}
    return Response(asset.content, headers=headers)
