"""Make HTML of a template; every value is escaped unless answer.py made it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from research_assistant.page import session
from research_assistant.page.assets import ASSETS
from research_assistant.page.headers import PRIVATE, SECURITY
from research_assistant.page.language import COOKIE, QUERY, WORDS

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from research_assistant.page.language import Words

YEAR_SECONDS = 365 * 86_400

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
TEMPLATES.globals.update(asset=lambda name: ASSETS[name].path, languages=WORDS, query=QUERY)


def page(template: str, words: Words, request: Request, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page of a template in the language of `words`."""
    here = request.url.path if request.method == "GET" else "/"  # where a switch of the language leads
    html = TEMPLATES.get_template(template).render(
        say=words, here=here, signed_in=bool(session.key_of(request)), **values
    )
    return HTMLResponse(html, status)


def finished(response: Response, words: Words, request: Request) -> Response:
    """Give a response the headers of the page, and remember the language when the reader has just chosen it."""
    response.headers.update({**SECURITY, **PRIVATE})
    if request.query_params.get(QUERY) == words.language:
        response.set_cookie(
            COOKIE,
            words.language,
            max_age=YEAR_SECONDS,
            secure=session.is_https(request),
            httponly=True,
            samesite="lax",
        )
    return response
