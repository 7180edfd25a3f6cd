"""The HTTP application of the local search."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from bongsu.local.search.rank import Hit, Index

MAX_QUERY = 512
PER_PAGE = 10
ENGINE = "local corpus"

_PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_STYLE = "body{max-width:46rem;margin:2rem auto;padding:0 1rem;font:1rem/1.6 system-ui,sans-serif}pre{overflow:auto}"


def build(index: Index, base_url: str) -> Starlette:
    """Return the application; `base_url` is how the readers of its results reach it."""
    pages = {page.slug: page for page in index.pages}

    async def search(request: Request) -> Response:
        # SearXNG answers 403 for a format that its settings do not enable; this instance enables JSON only.
        if request.query_params.get("format", "html") != "json":
            return PlainTextResponse("Forbidden", status_code=403)
        query = request.query_params.get("q", "").strip()
        if not query:
            return _json({"error": "No query"}, 400)
        if len(query) > MAX_QUERY:
            return _json({"error": f"The query has {len(query)} characters, the limit is {MAX_QUERY}"}, 400)
        number = request.query_params.get("pageno", "1")
        if not (number.isascii() and number.isdigit() and 0 < len(number) < 6 and int(number) > 0):  # noqa: PLR2004
            return _json({"error": f'Invalid value "{number[:32]}" for parameter pageno'}, 400)
        first = (int(number) - 1) * PER_PAGE
        total, hits = index.search(query, first, PER_PAGE)
        results = [_result(hit, first + place, base_url) for place, hit in enumerate(hits, start=1)]
        return _json(_answer(query, total, results))

    async def show(request: Request) -> Response:
        page = pages.get(request.path_params["slug"])
        if page is None:
            return PlainTextResponse("Not Found", status_code=404)
        title = html.escape(page.title)
        body = f'<!doctype html><html><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>'
        return HTMLResponse(f"{body}<body>{page.html}</body></html>", headers=_PAGE_HEADERS)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("OK")

    return Starlette(
        routes=[Route("/search", search), Route("/pages/{slug}", show), Route("/healthz", healthz)],
    )


def _answer(query: str, total: int, results: list[dict[str, object]]) -> dict[str, object]:
    return {
        "query": query,
        "number_of_results": total,
        "results": results,
        "answers": [],
        "corrections": [],
        "infoboxes": [],
        "suggestions": [],
        "unresponsive_engines": [],
    }


def _result(hit: Hit, position: int, base_url: str) -> dict[str, object]:
    url = f"{base_url}/pages/{quote(hit.page.slug)}"
    return {
        "url": url,
        "title": hit.page.title,
        "content": hit.snippet,
        "engine": ENGINE,
        "engines": [ENGINE],
        "parsed_url": [*urlsplit(url)[:3], "", *urlsplit(url)[3:]],
        "template": "default.html",
        "category": "general",
        "positions": [position],
        "score": hit.score,
        "priority": "",
        "img_src": "",
        "thumbnail": "",
        "publishedDate": None,
    }


def _json(body: dict[str, object], status: int = 200) -> Response:
    encoded = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Response(encoded, status_code=status, media_type="application/json")
