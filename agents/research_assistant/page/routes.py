"""The addresses of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research_assistant.page import asking, entry, papers, running
from research_assistant.page.visit import served

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp

    from research_assistant.db import Pool


def add_page(app: FastAPI, api: ASGIApp, pool: Pool) -> None:
    """Add the page to the application; `api` is the whole of it, middleware included, which the page calls."""
    for method, path, handler in (
        ("GET", "/", asking.show),
        ("POST", "/", asking.ask),
        ("GET", "/runs/{run_id}", running.show(pool)),
        ("GET", "/runs/{run_id}/sources/{number}", running.source),
        ("POST", "/runs/{run_id}/cancel", running.cancel),
        ("POST", "/runs/{run_id}/feedback", running.feedback),
        ("GET", papers.PATH, papers.show),
        ("POST", papers.PATH, papers.upload),
        ("POST", papers.PATH + "/{document_id}/delete", papers.delete),
    ):
        app.add_api_route(path, served(api, handler), methods=[method], include_in_schema=False)
    for method, path, handler in (
        ("GET", "/sign-in", entry.show_sign_in),
        ("POST", "/sign-in", entry.sign_in(api)),
        ("POST", "/sign-out", entry.sign_out),
    ):
        app.add_api_route(path, served(api, handler, public=True), methods=[method], include_in_schema=False)
    app.add_api_route("/static/{digest}/{name}", entry.static, methods=["GET"], include_in_schema=False)
