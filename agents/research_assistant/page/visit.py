"""One request to the page: who reads, in which language, and what every answer has in common."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode

import psycopg
from starlette.exceptions import HTTPException
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of the routes
from starlette.responses import RedirectResponse, Response

from research_assistant import db
from research_assistant.api.auth import same_origin
from research_assistant.page import language, render, session
from research_assistant.page.inside import ApiRefusal, Inside

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.datastructures import FormData
    from starlette.types import ASGIApp

    from research_assistant.page.language import Words

log = logging.getLogger(__name__)

MAX_FIELDS = 8


@dataclass(frozen=True, slots=True)
class Visit:
    """A request, the words to answer it with, and the API as its sender may use it."""

    request: Request
    words: Words
    api: Inside

    def page(self, template: str, status: int = HTTPStatus.OK, **values: Any) -> Response:
        """Return a page of a template."""
        return render.page(template, self.words, self.request, status=status, **values)

    def says(self, refusal: ApiRefusal) -> str:
        """Return what a refusal means to the reader."""
        key = f"error.{refusal.status}"
        known = key if key in self.words.texts else "error.other"
        return self.words(known, seconds=refusal.retry_seconds)

    @asynccontextmanager
    async def form(self) -> AsyncIterator[FormData]:
        """Yield the fields of the form that was sent; its files are closed at the end."""
        async with self.request.form(max_files=1, max_fields=MAX_FIELDS) as fields:
            yield fields


Handler: TypeAlias = Callable[[Visit], Awaitable[Response]]


def text_of(fields: FormData, name: str) -> str:
    """Return a field of a form as text, "" for a file or nothing."""
    value = fields.get(name, "")
    return value if isinstance(value, str) else ""


def once() -> str:
    """Return a new idempotency key for a form: sent twice, it asks once."""
    return secrets.token_urlsafe(16)


def go(path: str, **query: str) -> Response:
    """Send the browser on to a page of ours, by GET."""
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, HTTPStatus.SEE_OTHER)


def served(api: ASGIApp, answer: Handler, *, public: bool = False) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a page; one that is not `public` wants a key, and changes want our own origin."""

    async def endpoint(request: Request) -> Response:
        visit = Visit(request, language.choose(request), Inside.of(api, session.key_of(request)))
        return render.finished(await _answered(visit, answer, public), visit.words, request)

    return endpoint


async def _answered(visit: Visit, answer: Handler, public: bool) -> Response:
    request = visit.request
    if request.method != "GET" and not same_origin(request):
        return visit.page("error.html", HTTPStatus.FORBIDDEN, message=visit.words("error.origin"))
    if not (public or visit.api.key):
        return _sign_in(request)
    try:
        return await answer(visit)
    except ApiRefusal as refused:
        refusal = refused
    except HTTPException as broken:  # a form that cannot be read
        refusal = ApiRefusal(broken.status_code)
    except psycopg.Error as error:
        if not db.is_connection_lost(error):
            raise
        log.warning("the page cannot read the database: %s", type(error).__name__, extra={"kind": "database"})
        refusal = ApiRefusal(HTTPStatus.SERVICE_UNAVAILABLE)
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        response = _sign_in(request, again="1")
        session.forget(response, request)
        return response
    return visit.page("error.html", refusal.status, message=visit.says(refusal))


def _sign_in(request: Request, **query: str) -> Response:
    wanted = request.url.path if request.method == "GET" else "/"
    return go("/sign-in", next=wanted, **query)
